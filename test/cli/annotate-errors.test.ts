import { expect, test } from 'vitest'
import { conversation, labelled } from '../stages/annotate-support.js'
import { Folder, lines, start } from '../support/command.js'
import { startRewardServer } from '../support/reward-server.js'
import { SERVER_ERRORS } from './server-error-cases.js'

const folder = new Folder()
const GIVEN = ['first', 'second', 'third'].map((name) => conversation(name))

test.each(SERVER_ERRORS.map((each) => [each.code, each.found, each] as const))(
  '%s: %s',
  async (code, _found, { server, args = [], input = lines(...GIVEN), found, expected, fix, line = 1 }) => {
    const running = await startRewardServer(server ?? {})
    try {
      if (server === null) await running.stop()
      const command = start(['annotate', '--server', running.url, ...args], folder.fresh())
      command.process.stdin.end(input)
      const { status, stdout, stderr } = await command.ended
      const byte = lines(...GIVEN.slice(0, line - 1)).length
      expect(stderr.split('\n')).toEqual([
        `error: stdin:${line} (byte ${byte}), annotate: ${found.replace('SERVER', running.url)} [${code}]`,
        ...(expected === undefined ? [] : [`  expected: ${expected}`]),
        expect.stringMatching(new RegExp(`^ {2}do: ${fix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)),
        '',
      ])
      expect(
        stdout
          .split('\n')
          .slice(0, -1)
          .map((each) => JSON.parse(each)),
      ).toEqual(GIVEN.slice(0, line - 1).map((each) => labelled(each)))
      expect(status).toBe(1)
    } finally {
      await running.close()
    }
  },
)
