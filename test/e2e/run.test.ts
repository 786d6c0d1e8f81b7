/** `renderq run` as a person starts it. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords } from '../helpers/pipeline.ts'
import { seedEmbedded } from '../helpers/queues.ts'
import { tempDir } from '../helpers/temp.ts'

const JOBS = fileURLToPath(new URL('../../jobs/', import.meta.url))

describe('renderq run --emulator', () => {
  test('renders the demo into a folder, and a second time without a call', async () => {
    await using dir = await tempDir()
    const args = ['run', join(JOBS, 'demo.csv'), '--emulator']

    const first = await runCli(args, { cwd: dir.path })

    expect(first.stderr).toContain('finished')
    expect(first).toMatchObject({ code: 0, signal: null })
    expect(first.stdout.trim()).toBe(dir.join('renders-demo', 'demo'))
    const pictures = await readdir(first.stdout.trim())
    expect(pictures.length).toBeGreaterThanOrEqual(12)
    await using store = await openStore({ kind: 'folder', dir: dir.join('renders-demo') })
    const records = await allRecords(store)
    expect(records.size).toBeGreaterThanOrEqual(12)
    expect(await expectTrueRecords(store, records.values())).toBeGreaterThan(records.size)

    const second = await runCli([...args, '--json'], { cwd: dir.path })

    expect(second.code).toBe(0)
    const lines = second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.at(-1)).toMatchObject({
      v: 1,
      type: 'summary',
      calls: 0,
      outcomes: { reused: records.size },
      reasons: { unchanged: records.size, new: 0 },
    })
    expect(second.stderr).toContain(`${records.size} reused: unchanged`)
  }, 60_000)

  test.each(['catalog.json', 'catalog.jsonl', 'openai-batch.jsonl'])(
    'renders jobs/%s',
    async (name) => {
      await using dir = await tempDir()
      seedEmbedded(dir.join('.renderq', 'emulator'))

      const { code, stderr } = await runCli(['run', join(JOBS, name), '--emulator'], {
        cwd: dir.path,
      })

      expect(stderr).toContain('finished')
      expect(code).toBe(0)
    },
    60_000,
  )

  test('a run with refused rows ends with 3 and says which and why', async () => {
    await using dir = await tempDir()
    seedEmbedded(dir.join('.renderq', 'emulator'))
    await writeFile(
      dir.join('m.csv'),
      'id,prompt,image\na,a mug,\nb,a mug,https://127.0.0.1/no.png\n',
    )

    const { code, stderr } = await runCli(['run', 'm.csv', '--emulator'], { cwd: dir.path })

    expect(code).toBe(3)
    expect(stderr).toMatch(/1 input_unusable\s+b: .*127\.0\.0\.1/)
    expect(stderr).toContain('correct the input picture')
  }, 60_000)

  test('passes over what the environment says of queue and store', async () => {
    await using dir = await tempDir()
    seedEmbedded(dir.join('.renderq', 'emulator'))
    await writeFile(dir.join('m.csv'), 'id,prompt\na,a mug\n')
    const env = {
      QUEUE_URL: 'redis://127.0.0.1:1',
      STORAGE_URL: 's3://never',
      OPENAI_API_KEY: 'sk-real-key-000000',
    }

    const { code, stdout } = await runCli(['run', 'm.csv', '--emulator'], { cwd: dir.path, env })

    expect(code).toBe(0)
    expect(stdout.trim()).toBe(dir.join('renders-demo', 'm'))
  }, 60_000)
})

describe('renderq run without a service', () => {
  test('without a key it says so before anything else, exit 2', async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('m.csv'), 'id,prompt\na,a mug\n')

    const { code, stderr } = await runCli(['run', 'm.csv'], { cwd: dir.path })

    expect(code).toBe(2)
    expect(stderr).toContain('OPENAI_API_KEY is not set')
    expect(await readdir(dir.path)).toEqual(['m.csv'])
  })

  test.each([
    ['redis://127.0.0.1:1', /can't be reached.*start Redis/s],
    ['postgres://127.0.0.1:1/x', /can't be reached.*start Postgres/s],
  ])('with %s it ends with 6 within seconds', async (QUEUE_URL, message) => {
    await using dir = await tempDir()
    await writeFile(dir.join('m.csv'), 'id,prompt\na,a mug\n')
    const env = { QUEUE_URL, OPENAI_API_KEY: 'sk-any-key-0000000' }

    const { code, stderr } = await runCli(['enqueue', 'm.csv'], { cwd: dir.path, env })

    expect(code).toBe(6)
    expect(stderr).toMatch(message)
  })
})

describe('bad usage', () => {
  test.each([
    [['run'], /missing required argument 'manifest'/],
    [['run', 'm.csv', '--concurency', '3'], /unknown option '--concurency'.*--concurrency/s],
    [['rum'], /unknown command 'rum'.*run/s],
    [['run', 'm.csv', '--concurrency', 'many'], /--concurrency/],
    [
      ['run', 'm.csv', '--storage-url', 'ftp://x'],
      /--storage-url: must be s3:\/\/bucket\/prefix or file:/,
    ],
    [['run', 'm.csv', '--set', 'quality'], /column=value/],
    [['enqueue', '5'], /"5" is not a manifest/],
    [['status', 'run_nope'], /there is no run "run_nope"/],
  ])(
    '%j ends with 2 and a message',
    async (args, message) => {
      await using dir = await tempDir()
      seedEmbedded(dir.join('.renderq'))
      await writeFile(dir.join('m.csv'), 'id,prompt\na,a mug\n')

      const { code, stderr, stdout } = await runCli(args, {
        cwd: dir.path,
        env: { OPENAI_API_KEY: 'sk-any-key-0000000' },
      })

      expect(stderr).toMatch(message)
      expect(code).toBe(2)
      expect(stdout).toBe('')
    },
    60_000,
  )

  test('flags that npm took for itself are refused, with the line that works', async () => {
    await using dir = await tempDir()
    const env = { npm_lifecycle_event: 'enqueue', npm_config_concurrency: 'true' }

    const { code, stderr } = await runCli(['enqueue', 'm.csv', '4'], { cwd: dir.path, env })

    expect(code).toBe(2)
    expect(stderr).toContain('npm run enqueue -- m.csv --concurrency 4')
  })

  test('--help begins with examples', async () => {
    const { code, stdout } = await runCli(['--help'], { cwd: process.cwd() })

    expect(code).toBe(0)
    expect(stdout.trimStart()).toMatch(/^Examples/)
  })
})

describe('a manifest that is wrong', () => {
  test('all its problems come at once, exit 4, and nothing is written', async () => {
    await using dir = await tempDir()
    seedEmbedded(dir.join('.renderq', 'emulator'))
    await writeFile(dir.join('bad.csv'), 'id,prompt,size,n\na,a mug,1025x1024,1\na,,1024x1024,99\n')

    const { code, stderr } = await runCli(['run', 'bad.csv', '--emulator'], { cwd: dir.path })

    expect(code).toBe(4)
    expect(stderr).toMatch(/^bad\.csv:2 size .*divisible by 16.*did you mean/m)
    expect(stderr).toMatch(/^bad\.csv:3 id .*line 2/m)
    expect(stderr).toMatch(/^bad\.csv:3 n /m)
    expect(stderr).toContain('nothing was sent')
    const left = await readdir(dir.path, { recursive: true })
    expect(left.filter((name) => /\.(png|jsonl|json)$/.test(name))).toEqual([])
  })

  test('validate lists them as JSON for programs', async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('bad.csv'), 'id,prompt,quality\na,a mug,lowest\n')

    const { code, stdout } = await runCli(['validate', 'bad.csv', '--json'], { cwd: dir.path })

    expect(code).toBe(4)
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'error',
      code: 'manifest_invalid',
      problems: [{ file: 'bad.csv', line: 2, column: 'quality' }],
    })
  })

  test('validate says what a good one holds', async () => {
    const { code, stdout } = await runCli(
      ['validate', join(JOBS, 'demo.csv'), '--openai-base-url', 'http://127.0.0.1:1/v1'],
      { cwd: JOBS },
    )

    expect(stdout).toMatch(
      /\d+ rows, \d+ pictures, up to about \$\d.*, no problems\n {2}mug-blue {2}generate .*\n {4}Product photo of a blue mug/,
    )
    expect(code).toBe(0)
    expect(await readFile(join(JOBS, 'demo.csv'), 'utf8')).not.toBe('')
  })
})
