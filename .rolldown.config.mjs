import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

/** @param {string} char */
const escaped = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

// The library and the command, with what they share in chunks of its own. Libraries are bundled too: loading
// them file by file takes longer than a short run. What is imported dynamically stays a chunk that loads on use.
export default defineConfig({
  input: { index: 'src/index.ts', 'cli/index': 'src/cli/index.ts', worker: 'src/pipeline/threads/worker.ts' },
  platform: 'node',
  resolve: { alias: { 'string-width': fileURLToPath(new URL('src/cli/text-width.ts', import.meta.url)) } },
  tsconfig: true,
  // `npx steerpipe` in a clone runs the file itself: npm makes executable what it installs, not what it is run in.
  plugins: [
    // With nothing but ASCII Node has no UTF-8 to decode, and V8 one byte a character to go through: a start takes 5 to
    // 10 % less. (All other characters stand in texts and patterns, where an escape means the same.)
    {
      name: 'ascii',
      generateBundle: (_, bundle) => {
        for (const made of Object.values(bundle)) {
          if (made.type === 'chunk') made.code = made.code.replace(/[^\0-\x7f]/g, escaped)
        }
      },
    },
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
    // What every start needs is one file: each takes Node a millisecond to find and to link.
    codeSplitting: {
      groups: [{ name: 'core', test: /\/src\/(?!.*\/(remote|inspect)\/|cli\/)|\/zod\//, minShareCount: 3 }],
    },
  },
})
