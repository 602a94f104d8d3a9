/** Disks that fill up: made for real, by whatever means there are here. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { type Ended, shell } from './command.js'

/** Bytes that a small disk takes, or the largest file that it takes. */
export const DISK_BYTES = 1 << 20

/** A way to have a disk that fills up. */
export interface SmallDisk {
  readonly name: string
  /** Whether it can be had here. */
  readonly possible: boolean
  /** A line of the script after which no byte can be written there any more. */
  readonly fill: string
  /**
   * Runs a script of bash, as `shell` does, with the small disk as the folder `disk`. What is there at the end is
   * found in the folder `left`.
   */
  run(script: string, cwd: string): Ended
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Runs the script, and keeps what it leaves on the disk. */
const keeping = (script: string): string =>
  `( ${script}\n)\ncode=$?\n( ulimit -f unlimited; mkdir left; cp -a disk/. left ) || exit 99\nexit $code`

// In a name space of its own a mount is seen by the script only, and ends with it. Root may make one as it is; others
// where the system lets them be root in a name space of users.
const NAME_SPACE = ['-m', '-rm'].find((flags) => {
  const probe = `mount -t tmpfs -o size=1m tmpfs /tmp`
  return spawnSync('unshare', [flags, 'bash', '-c', probe], { stdio: 'ignore' }).status === 0
})

const tmpfs: SmallDisk = {
  name: 'a tmpfs of 1 MiB',
  possible: NAME_SPACE !== undefined,
  fill: 'head -c 2M /dev/zero > disk/fill 2> /dev/null',
  run(script, cwd) {
    const mounted = `mkdir disk && mount -t tmpfs -o size=${DISK_BYTES} tmpfs disk || exit 98\n${keeping(script)}`
    const command = `export -f steerpipe\nunshare ${NAME_SPACE} bash -c ${quoted(mounted)}`
    return shell(command, cwd)
  },
}

const fileLimit: SmallDisk = {
  name: 'a limit of 1 MiB on files',
  possible: process.platform !== 'win32',
  fill: 'ulimit -S -f 0',
  run: (script, cwd) =>
    // The soft limit: a hard one could not be lifted for keeping what is left.
    shell(`mkdir disk\n${keeping(`ulimit -S -f ${DISK_BYTES / 1024}\n${script}`)}`, cwd),
}

/** Every way; a test of one that is not possible is skipped, and says so. */
export const SMALL_DISKS: readonly SmallDisk[] = [tmpfs, fileLimit]

/** What a test adds to its name. */
export const skippedUnless = ({ possible }: SmallDisk): string =>
  possible ? '' : ' (skipped: it cannot be made here)'

/** Rows as JSON Lines, of more than three times as many bytes as a small disk takes, and twice as many with gzip. */
export const manyRows = (): string =>
  Array.from({ length: 36_000 }, (_, id) => {
    const response = createHash('sha512').update(String(id)).digest('base64url')
    return `${JSON.stringify({ prompt: `prompt ${id}`, response, helpfulness: id % 5 })}\n`
  }).join('')
