/** What a person sees of each kind of trouble: the message, the exit code, and what to do. */
import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { startEmulator } from '../../src/emulator/server.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords } from '../helpers/pipeline.ts'
import { seedEmbedded } from '../helpers/queues.ts'
import { tempDir } from '../helpers/temp.ts'

const troubles: {
  title: string
  fault: FaultRule['fault']
  code: number
  stderr: RegExp
  stored: number
}[] = [
  {
    title: 'a bad key',
    fault: { kind: 'bad_key' },
    code: 6,
    stderr: /stopped.*check OPENAI_API_KEY.*go on\s+run the same command again/s,
    stored: 0,
  },
  {
    title: 'an exhausted quota',
    fault: { kind: 'quota' },
    code: 5,
    stderr: /stopped.*add credit.*go on\s+run the same command again/s,
    stored: 0,
  },
  {
    title: 'a billing limit',
    fault: { kind: 'billing_hard_limit_reached' },
    code: 5,
    stderr: /stopped.*add credit/s,
    stored: 0,
  },
  {
    title: 'a moderation block of one row',
    fault: { kind: 'moderation' },
    code: 3,
    stderr: /1 refused.*1 content_refused\s+b: .*safety.*rewrite the prompt/s,
    stored: 2,
  },
  {
    title: 'a row the server rejects',
    fault: {
      kind: 'error',
      status: 400,
      message: 'the size is not for you',
      code: 'invalid_value',
    },
    code: 3,
    stderr: /1 failed.*1 request_rejected\s+b: .*the size is not for you.*correct the row/s,
    stored: 2,
  },
  {
    title: 'a server that is down for one row',
    fault: { kind: 'server_error', status: 503 },
    code: 3,
    stderr: /1 api_unavailable\s+b: .*503.*run the same command again later/s,
    stored: 2,
  },
  {
    title: 'a proxy that answers HTML',
    fault: { kind: 'html', status: 200 },
    code: 3,
    stderr: /2 of unknown outcome.*1 response_broken\s+b: .*run the same command again/s,
    stored: 2,
  },
]

describe('renderq run', () => {
  test.concurrent.each(troubles)(
    '$title: exit $code, says why, keeps what it has',
    async (trouble) => {
      await using dir = await tempDir()
      seedEmbedded(dir.join('.renderq'))
      const isForAll = trouble.stored === 0
      const match = isForAll ? {} : { match: { promptIncludes: 'trouble' } }
      await using emulator = await startEmulator({ faults: [{ ...match, fault: trouble.fault }] })
      await writeFile(
        dir.join('m.csv'),
        'id,prompt,quality\na,a mug,low\nb,trouble,low\nc,a shirt,low\n',
      )
      const env = {
        OPENAI_BASE_URL: emulator.baseUrl,
        OPENAI_API_KEY: 'sk-test-canary-0123456789',
        RENDERQ_ATTEMPTS: '2',
        RENDERQ_BACKOFF_MS: '10',
      }

      const { code, stdout, stderr } = await runCli(['run', 'm.csv'], { cwd: dir.path, env })

      expect(stderr).toMatch(trouble.stderr)
      expect(code).toBe(trouble.code)
      expect(stdout + stderr).not.toContain('canary')
      await using store = await openStore({ kind: 'folder', dir: dir.join('renders') })
      const records = await allRecords(store)
      expect(records.size).toBe(trouble.stored)
      expect(await expectTrueRecords(store, records.values())).toBe(trouble.stored)
    },
    60_000,
  )
})
