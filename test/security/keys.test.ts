/** Object keys: whatever a manifest says, pictures land under their prefix, each at a place of its own. */
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { win32 } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ManifestError } from '../../src/errors.ts'
import type { PlannedRow } from '../../src/job.ts'
import { planManifest, type Plan } from '../../src/producer/plan.ts'
import { FolderStore } from '../../src/storage/folder.ts'
import { checkKey, KEY_BYTES_MAX, pictureKey, sanitizeKey } from '../../src/storage/keys.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { PutOptions, Store } from '../../src/storage/store.ts'
import { openFakeS3 } from '../helpers/fake-s3.ts'
import { tempDir } from '../helpers/temp.ts'
import { OPTIONS, plan, problemsIn } from '../unit/producer/planning.ts'
import { hostileName, randomOf } from './hostile-names.ts'

/** The long form takes about two minutes. */
const NAME_COUNT = process.env['RENDERQ_TEST_LONG'] === '1' ? 1_000_000 : 100_000
const NAMES_PER_RUN = 100
const PLANNED_ROWS = NAME_COUNT / 20

const WINDOWS_RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i
const EXTENSIONS = ['png', 'jpg', 'webp', 'gif', 'svg']

/** What is wrong with the key of a picture, by rules written without a look at those of the program. */
function escapeOf(key: string): string | undefined {
  if (Buffer.byteLength(key) > 1_024 - 100) return 'leaves no room for a prefix'
  if (/^[_.]/.test(key)) return 'begins with a reserved letter'
  if (/[^\x21-\x7e]|[\\:*?"<>|%#&${}^`~[\]=@+,;]/.test(key)) return 'holds an unsafe letter'
  for (const segment of key.split('/')) {
    if (segment === '') return 'has an empty segment'
    if (/^\.|\.$/.test(segment)) return 'has a segment with an outer dot'
    if (segment.length > 255 - 40) return 'has a segment no file system takes'
    if (WINDOWS_RESERVED.test(segment)) return 'has a segment that Windows keeps for a device'
  }
  const windows = win32.resolve('C:\\root\\prefix', key)
  if (windows !== `C:\\root\\prefix\\${key.replaceAll('/', '\\')}`) return 'leaves the folder'
  const url = new URL(key, 'https://bucket.example/prefix/')
  if (url.href !== `https://bucket.example/prefix/${key}`) return 'leaves the URL'
  return undefined
}

test(`${NAME_COUNT.toLocaleString('en')} generated names become keys that stay where they belong`, () => {
  let nameCount = 0
  let longest = 0
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomOf(seed)
      for (let count = 0; count < NAMES_PER_RUN; count += 1) {
        const name = hostileName(random)
        const key = sanitizeKey(name)
        const picture = pictureKey(key, { index: 9, of: 10 }, EXTENSIONS[count % 5] ?? '')
        nameCount += 1
        longest = Math.max(longest, key.length)
        const problem =
          escapeOf(picture) ?? checkKey(key) ?? (key === sanitizeKey(key) ? undefined : 'changes')
        if (problem !== undefined) expect.fail(`${JSON.stringify(name)} → ${key}: ${problem}`)
      }
    }),
    { numRuns: NAME_COUNT / NAMES_PER_RUN },
  )
  console.log(`keys: ${nameCount} generated names, the longest key ${longest} bytes, 0 escapes`)
  expect(nameCount).toBe(NAME_COUNT)
  expect(longest).toBeGreaterThan(KEY_BYTES_MAX / 2)
  expect(longest).toBeLessThanOrEqual(KEY_BYTES_MAX)
}, 300_000)

test(`${PLANNED_ROWS.toLocaleString('en')} rows with such names are planned to as many places`, async () => {
  await using dir = await tempDir()
  const random = randomOf(20_261_121)
  const rows = Array.from({ length: PLANNED_ROWS }, (_, row) => {
    // What JSON and the planner refuse as text is no name: half a surrogate pair, NUL.
    const title = hostileName(random).replaceAll('\0', ' ').toWellFormed()
    return JSON.stringify({ id: `${row}`, prompt: 'x', n: 1 + (row % 3), title })
  })
  await writeFile(dir.join('_runs.jsonl'), rows.join('\n'))

  await using planned = await planManifest({
    ...OPTIONS,
    manifest: dir.join('_runs.jsonl'),
    workDir: dir.join('work'),
    name: '{{ manifest }}/../{{ title }}/_{{ id }}',
  })

  const places = new Set<string>()
  let pictureCount = 0
  for await (const picture of pictureKeysIn(planned)) {
    pictureCount += 1
    places.add(picture.toLowerCase())
    const problem = escapeOf(picture) ?? (picture.startsWith('runs/') ? undefined : 'is elsewhere')
    if (problem !== undefined) expect.fail(`${picture}: ${problem}`)
  }
  console.log(`keys: ${PLANNED_ROWS} planned rows, ${pictureCount} pictures, ${places.size} places`)
  expect(pictureCount).toBe(planned.pictureCount)
  expect(places.size).toBe(pictureCount)
}, 300_000)

async function* pictureKeysIn({ parts }: Plan): AsyncIterable<string> {
  for (const { file } of parts) {
    for (const line of (await readFile(file, 'utf8')).trimEnd().split('\n')) {
      const { key, request } = (JSON.parse(line) as PlannedRow).job
      for (let index = 0; index < request.n; index += 1) {
        yield pictureKey(key, { index, of: request.n }, 'png')
      }
    }
  }
}

test('rows whose pictures would meet are refused, and only those', async () => {
  const name = fc.constantFrom(
    'a',
    'A',
    'a-1',
    'a-2',
    'b',
    'a/b',
    'a b',
    'a-b',
    'á',
    '_a',
    '.a',
    '../a',
  )
  const row = fc.record({ name, n: fc.integer({ min: 1, max: 3 }) })
  const seen = { planned: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 2, maxLength: 5 }), async (rows) => {
      const places = rows.map(({ name, n }) => placesOf(sanitizeKey(name), n))
      const isClash = new Set(places.flat()).size < places.flat().length
      const lines = rows.map((row, index) =>
        JSON.stringify({ id: String(index), prompt: 'x', ...row }),
      )
      const planning = plan(lines.join('\n'), { fileName: 'catalog.jsonl' })
      const problems = await planning.then(
        () => [],
        (error: ManifestError) => error.problems,
      )

      seen[problems.length === 0 ? 'planned' : 'refused'] += 1
      expect(problems.length > 0).toBe(isClash)
      for (const { message } of problems) expect(message).toContain('has the same object name')
    }),
    { numRuns: 150 },
  )
  console.log('keys, rows that may meet:', seen)
})

/** A row of several pictures also keeps its bare name for itself. */
function placesOf(key: string, n: number): string[] {
  const pictures = Array.from({ length: n }, (_, index) => `${key}-${index + 1}`)
  return (n === 1 ? [key] : [key, ...pictures]).map((place) => place.toLowerCase())
}

const PICKED: readonly [string, string][] = [
  ['../../etc/passwd', 'etc/passwd'],
  ['..', '#'],
  ['.', '#'],
  ['/', '#'],
  ['//', '#'],
  ['./', '#'],
  ['../', '#'],
  ['/etc/passwd', 'etc/passwd'],
  ['//server/share/a', 'server/share/a'],
  ['a/../b', 'a/b'],
  ['a/./b', 'a/b'],
  ['a//b', 'a/b'],
  ['a/', 'a'],
  ['...', '#'],
  ['....//a', '#/a'],
  ['..\\..\\a', '-..-a'],
  ['C:\\Windows\\a', 'C-Windows-a'],
  ['\\\\server\\a', 'server-a'],
  ['%2e%2e/a', '2e-2e/a'],
  ['..%2fa', '-2fa'],
  ['．．/a', '#/a'],
  ['‥/a', '#/a'],
  ['․․/a', '#/a'],
  ['a／b', 'a-b'],
  ['_records/ab/x.json', 'records/ab/x.json'],
  ['_inputs/x', 'inputs/x'],
  ['_runs/x/run.json', 'runs/x/run.json'],
  ['__proto__', 'proto__'],
  ['_', '#'],
  ['_/a', '#/a'],
  ['._a', 'a'],
  ['.meta/a', 'meta/a'],
  ['.tmp-1', 'tmp-1'],
  ['.htaccess', 'htaccess'],
  ['con', 'con_'],
  ['CON.png', 'CON_.png'],
  ['a/nul', 'a/nul_'],
  ['com1.tar.gz', 'com1_.tar.gz'],
  ['COM¹', 'COM1_'],
  ['a.', 'a'],
  ['a. ', 'a'],
  ['a::$DATA', 'a-DATA'],
  ['a?b#c', 'a-b-c'],
  ['a&b=c+d', 'a-b-c-d'],
  ['$(id)', '(id)'],
  ['`id`', 'id'],
  ['a;rm -rf', 'a-rm-rf'],
  ['a|b', 'a-b'],
  ['a\nb', 'a-b'],
  ['a\u202Eb', 'a-b'],
  ['\u001b[31ma', '31ma'],
  ['-rf', '-rf'],
  ['<script>', 'script'],
  ['"a"', 'a'],
]

test.each(PICKED)('%j is planned as %s', async (name, expected) => {
  const { jobs } = await plan(JSON.stringify({ id: '1', prompt: 'x', name }), {
    fileName: 'catalog.jsonl',
  })
  const [job] = jobs

  expect(job?.key.replaceAll(/\b[0-9a-f]{12}\b/g, '#')).toBe(expected)
  expect(escapeOf(`${job?.key}.png`)).toBeUndefined()
})

test.each(['_runs.csv', '..csv', '.csv', 'con.csv', '_.csv', 'a b%2f.csv', '-.csv', '…….csv'])(
  'a manifest of the name %s gives no reserved prefix',
  async (fileName) => {
    const { jobs, manifestName } = await plan('id,prompt\n1,x\n', { fileName })

    expect(escapeOf(manifestName)).toBeUndefined()
    expect(jobs.map(({ key }) => key)).toEqual([`${manifestName}/1`])
  },
)

test('a template can not climb either', async () => {
  const names = [
    '{{ a }}/{{ b }}',
    '../{{ a }}{{ b }}',
    '/{{ a }}/..{{ b }}',
    '_{{ b }}',
    '{{ b }}',
  ]
  for (const name of names) {
    const row = { id: '1', prompt: 'x', a: '..', b: './../_records/x' }
    const { jobs } = await plan(JSON.stringify(row), { fileName: 'a.jsonl', name })
    expect(jobs.map(({ key }) => escapeOf(key))).toEqual([undefined])
  }
  const empty = plan('{"id":"1","prompt":"x","a":""}', { fileName: 'a.jsonl', name: '{{ a }}' })
  expect(await problemsIn(empty)).toEqual([expect.stringContaining('comes out empty')])
})

/** Keys that no plan makes: from a queue or a ledger that somebody else wrote to. */
const HOSTILE_KEYS = [
  '..',
  '.',
  '../outside.png',
  'a/../../outside.png',
  'a/..',
  'a/./b',
  './a',
  '/outside.png',
  '//a',
  'a//b',
  'a/',
  '',
  '/',
  '.hidden',
  'a/.meta/b.png',
  '..\\outside.png',
  'a\\..\\..\\b',
  'C:\\a',
  'a\0.png',
  '\0',
]

describe('a store given such a key', () => {
  const OPTIONS_OF_PUT: PutOptions = {
    contentType: 'image/png',
    metadata: { row: '1' },
    when: 'always',
  }
  const bytes = Buffer.from('bytes')

  test.each(HOSTILE_KEYS)('%j is no key of a job', (key) => {
    expect(checkKey(key)).toBeDefined()
  })

  test('leads out of no folder', async () => {
    const { store, dir } = await openFolder()

    for (const key of HOSTILE_KEYS) {
      for (const attempt of attemptsOn(store, key)) {
        await expect(attempt(), key).rejects.toMatchObject({ code: 'storage_rejected' })
      }
    }
    expect(await readdir(dir.path)).toEqual(['outside', 'root'])
    expect(await readdir(dir.join('outside'))).toEqual(['secret.png'])
  })

  test('leads out of no prefix of a bucket', async () => {
    const { store, paths } = await openBucket()

    for (const key of HOSTILE_KEYS) {
      for (const attempt of attemptsOn(store, key)) await attempt().catch(() => undefined)
    }

    expect(paths().length).toBeGreaterThan(0)
    for (const path of paths()) {
      expect(new URL(path, 'http://s3.example').pathname).toMatch(/^\/catalog\/spring\//)
    }
  })

  test('a key of dots reaches no server at all', async () => {
    const { store, paths } = await openBucket()

    for (const attempt of attemptsOn(store, 'a/../../outside.png')) {
      await expect(attempt()).rejects.toMatchObject({ code: 'storage_rejected' })
    }
    expect(paths()).toEqual([])
  })

  test.each([
    ['a link to a folder', 'linked', 'linked/secret.png'],
    ['a link to a folder, deeper', 'linked', 'linked/a/b/c.png'],
    ['a link to a file', 'secret.png', 'secret.png'],
    ['a link instead of the folder for metadata', '.meta', 'mug.png'],
  ])('%s leads out of no folder', async (_, name, key) => {
    const { store, dir } = await openFolder()
    const target = name.endsWith('.png') ? '../outside/secret.png' : '../outside'
    await symlink(target, dir.join('root', name))

    for (const when of ['absent', 'always', { etag: 'x' }] as const) {
      await store.put(key, bytes, { ...OPTIONS_OF_PUT, when }).catch(() => undefined)
    }
    const read = await store.get(key, { bytesMax: 100 }).catch(() => undefined)

    expect(read?.toString()).not.toBe('secret')
    expect(await readdir(dir.join('outside'))).toEqual(['secret.png'])
    expect(await readFile(dir.join('outside/secret.png'), 'utf8')).toBe('secret')
  })

  test('links are not listed', async () => {
    const { store, dir } = await openFolder()
    await symlink('../outside', dir.join('root/linked'))
    await symlink('../outside/secret.png', dir.join('root/secret.png'))
    await store.put('mug.png', bytes, OPTIONS_OF_PUT)
    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key)

    expect(keys).toEqual(['mug.png'])
  })

  const attemptsOn = (store: Store, key: string) => [
    () => store.put(key, bytes, OPTIONS_OF_PUT),
    () => store.put(key, bytes, { ...OPTIONS_OF_PUT, when: 'absent' }),
    () => store.get(key, { bytesMax: 100 }),
    () => store.head(key),
  ]
})

async function openFolder() {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  await mkdir(dir.join('root'))
  await mkdir(dir.join('outside'))
  await writeFile(dir.join('outside/secret.png'), 'secret')
  return { dir, store: new FolderStore(dir.join('root')) }
}

async function openBucket() {
  const server = await openFakeS3()
  vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secrettest')
  vi.stubEnv('AWS_REGION', 'us-east-1')
  const store = await openStore({ kind: 's3', bucket: 'catalog', prefix: 'spring' })
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await store[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { store, paths: () => server.requests.map(({ path }) => path) }
}
