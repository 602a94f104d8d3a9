import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

// The library and the command, with what they share in chunks of its own. Libraries are bundled too: loading
// them file by file takes longer than a short run. What is imported dynamically stays a chunk that loads on use.
export default defineConfig({
  input: { index: 'src/index.ts', 'cli/index': 'src/cli/index.ts', worker: 'src/pipeline/threads/worker.ts' },
  platform: 'node',
  resolve: { alias: { 'string-width': fileURLToPath(new URL('src/cli/text-width.ts', import.meta.url)) } },
  tsconfig: true,
  // `npx steerpipe` in a clone runs the file itself: npm makes executable what it installs, not what it is run in.
  plugins: [
    {
      name: 'executable',
      writeBundle: ({ dir }) => chmodSync(join(dir, 'cli/index.js'), 0o755),
    },
  ],
  output: {
    dir: 'dist',
    format: 'esm',
    cleanDir: true,
    minify: { compress: true, mangle: false, codegen: true },
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  },
})
