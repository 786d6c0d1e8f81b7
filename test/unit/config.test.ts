import { writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadConfig, Secret, storageSettings, type ConfigSources } from '../../src/config.ts'
import { ConfigError } from '../../src/errors.ts'
import { SETTING_NAMES, variablesOf, type SettingName } from '../../src/settings.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'

let dir: TempDir
beforeEach(async () => {
  dir = await tempDir()
})
afterEach(() => dir[Symbol.asyncDispose]())

const load = (flags: object = {}, sources: ConfigSources = {}) =>
  loadConfig(flags, { cwd: dir.path, env: {}, ...sources })

const write = (name: string, content: string) => writeFile(dir.join(name), content)

const concurrency = (flags: object, env: Record<string, string>) =>
  load(flags, { env }).worker.concurrency

/** The message it is refused with; anything but a ConfigError goes through to the test. */
function problemOf(flags: object, sources: ConfigSources = {}): string {
  try {
    load(flags, sources)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('where settings come from', () => {
  test('a flag wins over the environment, .env, renderq.config.json and the default, in this order', async () => {
    expect(concurrency({}, {})).toBe(8)
    await write('renderq.config.json', '{ "concurrency": 11 }')
    expect(concurrency({}, {})).toBe(11)
    await write('.env', 'RENDERQ_CONCURRENCY=12\n')
    expect(concurrency({}, {})).toBe(12)
    expect(concurrency({}, { RENDERQ_CONCURRENCY: '13' })).toBe(13)
    expect(concurrency({ concurrency: '14' }, { RENDERQ_CONCURRENCY: '13' })).toBe(14)
  })

  test('a source without a setting leaves the others theirs', async () => {
    await write('renderq.config.json', '{ "attempts": 2, "concurrency": 2 }')
    await write('.env', 'RENDERQ_BACKOFF_MS=3')
    const { worker } = load({ concurrency: 4 }, { env: { RENDERQ_BACKOFF_MAX_MS: '5' } })
    expect(worker).toMatchObject({ attempts: 2, concurrency: 4, backoffMs: 3, backoffMaxMs: 5 })
  })

  test('an empty variable says nothing, and neither does a flag that was not given', () => {
    const env = { RENDERQ_CONCURRENCY: '', OPENAI_API_KEY: '', QUEUE_URL: '' }
    const config = load({ concurrency: undefined }, { env })
    expect(config.worker.concurrency).toBe(8)
    expect(config.openai.apiKey).toBeUndefined()
    expect(config.queue.backend).toBe('embedded')
  })

  test('a setting knows whether it was given, even where that is the default', () => {
    const config = load({ concurrency: 8 }, { env: { RENDERQ_LOG_LEVEL: 'info' } })
    expect(config.isSet('concurrency')).toBe(true)
    expect(config.isSet('logLevel')).toBe(true)
    expect(config.isSet('attempts')).toBe(false)
  })

  test('settings that only a flag may give are not taken from elsewhere', async () => {
    await write('.env', 'STORAGE_URL=s3://real')
    const env = { QUEUE_URL: 'redis://real:6379', OPENAI_API_KEY: 'sk-real' }
    const onlyByFlag = ['queueUrl', 'storageUrl', 'openaiApiKey'] as const
    const config = load({ storageUrl: 'file:./demo' }, { env, onlyByFlag })
    expect(config.queue.backend).toBe('embedded')
    expect(config.openai.apiKey).toBeUndefined()
    expect(config.storage).toEqual({ kind: 'folder', dir: dir.join('demo') })
  })

  test('what commands take besides settings is passed over', () => {
    expect(() => load({ json: true, set: { size: 'auto' }, emulator: false })).not.toThrow()
  })

  test('AWS variables of .env reach the SDK by the environment, and never replace what is there', async () => {
    vi.stubEnv('AWS_REGION', 'eu-central-1')
    vi.stubEnv('AWS_ENDPOINT_URL', undefined)
    try {
      await write(
        '.env',
        'AWS_REGION=us-east-1\nAWS_ENDPOINT_URL=http://127.0.0.1:1\nPATH=/nowhere',
      )
      load()
      expect(process.env['AWS_REGION']).toBe('eu-central-1')
      expect(process.env['AWS_ENDPOINT_URL']).toBe('http://127.0.0.1:1')
      expect(process.env['PATH']).not.toBe('/nowhere')
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

const MILLISECONDS = 'a whole number of milliseconds from'
const VERSION = 'a version such as 2025-04-01-preview'

/** A wrong value of each setting, what the message says is accepted, and how it repeats the value, if at all. */
const REFUSED: [SettingName, string, accepted: string, shown?: string][] = [
  ['openaiBaseUrl', 'file:///etc/passwd', 'an address that begins with https:// or http://'],
  ['openaiBaseUrl', 'localhost:4010/v1', 'an address that begins with https:// or http://'],
  ['openaiApiVersion', '2025&x=1', VERSION, ', not "2025&x=1"'],
  [
    'queueUrl',
    'mysql://db',
    'an address that begins with redis://, rediss://, postgres:// or postgresql://',
  ],
  [
    'namespace',
    'Shop-A',
    'a-z, 0-9 and _, beginning with a letter, at most 31 characters',
    ', not "Shop-A"',
  ],
  ['storageUrl', 'renders', 's3://bucket/prefix or file:./folder'],
  ['storageUrl', 's3://', 's3://bucket/prefix or file:./folder'],
  ['concurrency', '1001', 'a whole number from 1 to 1000', ', not "1001"'],
  ['concurrency', 'many', 'a whole number from 1 to 1000', ', not "many"'],
  ['concurrency', '1.5', 'a whole number from 1 to 1000', ', not "1.5"'],
  ['attempts', '-1', 'a whole number from 1 to 50', ', not "-1"'],
  ['backoffMs', '1s', `${MILLISECONDS} 1 to 600000`, ', not "1s"'],
  ['backoffMaxMs', '0', `${MILLISECONDS} 1 to 3600000`, ', not "0"'],
  ['requestTimeoutMs', '30', `${MILLISECONDS} 100 to 3600000`, ', not "30"'],
  ['drainTimeoutMs', 'never', `${MILLISECONDS} 0 to 3600000`, ', not "never"'],
  ['lockDurationMs', '10', `${MILLISECONDS} 1000 to 3600000`, ', not "10"'],
  ['stalledIntervalMs', '10', `${MILLISECONDS} 200 to 600000`, ', not "10"'],
  ['imageBytesMax', '128MB', 'a whole number of bytes from 1024 to 1073741824', ', not "128MB"'],
  ['allowPrivateUrls', 'perhaps', 'true or false', ', not "perhaps"'],
  ['logLevel', 'loud', 'one of silent, error, warn, info, debug', ', not "loud"'],
]

describe('what is refused', () => {
  test.each(REFUSED)('%s as %j is refused in words', (name, value, accepted, shown = '') => {
    const [variable = ''] = variablesOf(name)

    expect(problemOf({}, { env: { [variable]: value } })).toBe(
      `bad configuration: ${variable}: must be ${accepted}${shown}`,
    )
  })

  test('there is such a test for every setting that can be given a wrong value by the environment', () => {
    const untested = SETTING_NAMES.filter((name) => !REFUSED.some(([refused]) => refused === name))
    expect(untested).toEqual([
      'openaiApiKey',
      'openaiOrgId',
      'openaiProjectId',
      'stateDir',
      'scheduleRoot',
    ])
  })

  test.each([
    [{ concurrency: '0' }, '--concurrency: must be a whole number from 1 to 1000, not "0"'],
    [{ requestTimeoutMs: '10' }, '--request-timeout-ms: must be a whole number of milliseconds'],
    [{ logLevel: 'loud' }, '--log-level: must be one of silent, error'],
    [{ stateDir: '' }, '--state-dir: must be a folder, not ""'],
  ])('a bad flag %j is named as a flag', (flags, expected) => {
    expect(problemOf(flags)).toContain(expected)
  })

  test('REDIS_URL is named where it is the one that is wrong', () => {
    expect(problemOf({}, { env: { REDIS_URL: '127.0.0.1:6379' } })).toContain('REDIS_URL: must be ')
  })

  test('a long value is not repeated', () => {
    expect(problemOf({ concurrency: '9'.repeat(41) })).toMatch(/from 1 to 1000$/)
  })

  test.each([
    ['true', 'true'],
    ['null', 'null'],
    ['[4]', '[4]'],
    ['1.5', '1.5'],
    ['"1e1"', '"1e1"'],
    ['""', '""'],
  ])('%s in renderq.config.json is no number', async (value, shown) => {
    await write('renderq.config.json', `{ "concurrency": ${value} }`)
    expect(problemOf({})).toBe(
      `bad configuration: renderq.config.json concurrency: must be a whole number from 1 to 1000, not ${shown}`,
    )
  })

  test.each([
    ['RENDERQ_CONCURENCY', 'did you mean RENDERQ_CONCURRENCY?'],
    ['RENDERQ_REQUEST_TIMEOUT', 'did you mean RENDERQ_REQUEST_TIMEOUT_MS?'],
    ['RENDERQ_QUEUE_URL', 'did you mean QUEUE_URL?'],
    ['RENDERQ_OPENAI_API_KEY', 'did you mean OPENAI_API_KEY?'],
    ['RENDERQ_FAVOURITE_COLOUR', 'see docs/configuration.md'],
  ])('the variable %s is no setting', async (variable, guess) => {
    const sentence = `${variable}: there is no such setting (${guess})`
    expect(problemOf({}, { env: { [variable]: 'x' } })).toBe(`bad configuration: ${sentence}`)
    await write('.env', `${variable}=x`)
    expect(problemOf({})).toBe(`bad configuration: .env ${sentence}`)
  })

  test.each([
    'RENDERQ_TEST_REQUIRE',
    'RENDERQ_CI_REDIS_PORT',
    // Of a Kubernetes service named renderq, and of one named renderq-queue.
    'RENDERQ_SERVICE_HOST',
    'RENDERQ_SERVICE_PORT_HTTP',
    'RENDERQ_PORT',
    'RENDERQ_PORT_6379_TCP_ADDR',
    'RENDERQ_QUEUE_SERVICE_PORT',
    'RENDERQ_QUEUE_PORT_6379_TCP',
  ])('the variable %s is none of ours', (variable) => {
    expect(() => load({}, { env: { [variable]: 'x' } })).not.toThrow()
  })

  test('a variable that is no setting but empty says nothing', () => {
    expect(() => load({}, { env: { RENDERQ_CONCURENCY: '' } })).not.toThrow()
  })

  test('a bad value of a file is named with the file', async () => {
    await write('.env', 'RENDERQ_ATTEMPTS=none')
    await write('renderq.config.json', '{ "backoffMs": "soon" }')
    const problem = problemOf({})
    expect(problem).toContain('.env RENDERQ_ATTEMPTS: ')
    expect(problem).toContain('renderq.config.json backoffMs: ')
  })

  test('all problems are told at once', () => {
    const problem = problemOf({ concurrency: '0' }, { env: { QUEUE_URL: 'x', STORAGE_URL: 'y' } })
    for (const origin of ['--concurrency', 'QUEUE_URL', 'STORAGE_URL']) {
      expect(problem).toContain(`${origin}: `)
    }
  })

  test.each([
    [
      '{ "concurency": 4 }',
      'renderq.config.json concurency: there is no such setting (did you mean concurrency?)',
    ],
    ['{ "concurrency": 4', 'renderq.config.json is not valid JSON'],
    ['[]', 'renderq.config.json must hold one object of settings'],
    ['null', 'renderq.config.json must hold one object of settings'],
    ['{ "openaiApiKey": "sk-1" }', 'must not hold the API key'],
  ])('the file renderq.config.json with %s is refused', async (content, expected) => {
    await write('renderq.config.json', content)
    expect(problemOf({})).toContain(expected)
  })

  test('a password in a refused address is not told', () => {
    const env = { QUEUE_URL: 'http://me:hunter2@queue', STORAGE_URL: 'https://me:hunter2@store' }
    expect(problemOf({}, { env })).not.toContain('hunter2')
  })

  test('$schema is the one key of renderq.config.json that is no setting', async () => {
    await write('renderq.config.json', '{ "$schema": "./schema.json", "attempts": 3 }')
    expect(load().worker.attempts).toBe(3)
  })
})

describe('what settings become', () => {
  test.each([
    [{}, { backend: 'embedded' }],
    [{ QUEUE_URL: 'redis://r:1' }, { backend: 'redis', url: 'redis://r:1', namespace: 'renderq' }],
    [{ QUEUE_URL: 'rediss://r' }, { backend: 'redis' }],
    [{ QUEUE_URL: 'postgres://p/db' }, { backend: 'postgres' }],
    [{ QUEUE_URL: 'postgresql://p/db', RENDERQ_NAMESPACE: 'shop' }, { namespace: 'shop' }],
    [{ REDIS_URL: 'redis://only' }, { url: 'redis://only' }],
    [{ REDIS_URL: 'redis://second', QUEUE_URL: 'redis://first' }, { url: 'redis://first' }],
  ])('%j is the queue %j', (env, expected) => {
    expect(load({}, { env }).queue).toMatchObject(expected)
  })

  test('folders are relative to where the command was started', () => {
    const config = load({ stateDir: 'state', storageUrl: 'file:./out' })
    expect(config.stateDir).toBe(dir.join('state'))
    expect(config.queue).toEqual({ backend: 'embedded', dataDir: dir.join('state') })
    expect(config.storage).toEqual({ kind: 'folder', dir: dir.join('out') })
  })

  test.each([
    ['file:./x', { kind: 'folder', dir: '/here/x' }],
    ['file:x/y', { kind: 'folder', dir: '/here/x/y' }],
    ['file:/abs', { kind: 'folder', dir: '/abs' }],
    ['file:///abs', { kind: 'folder', dir: '/abs' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/a/b/', { kind: 's3', bucket: 'bucket', prefix: 'a/b' }],
  ])('%s is the store %j', (url, expected) => {
    expect(storageSettings(url, '/here')).toEqual(expected)
  })

  test('the base URL loses the slashes at its end', () => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:4010/v1//' }
    expect(load({}, { env }).openai.baseUrl).toBe('http://127.0.0.1:4010/v1')
  })

  test.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('the word %s means %s', (word, expected) => {
    const env = { RENDERQ_ALLOW_PRIVATE_URLS: word }
    expect(load({}, { env }).worker.allowPrivateUrls).toBe(expected)
  })

  test('every whole number within the bounds arrives as it was written', () => {
    const numbers = fc.record({
      RENDERQ_CONCURRENCY: fc.integer({ min: 1, max: 1_000 }).map(String),
      RENDERQ_DRAIN_TIMEOUT_MS: fc.integer({ min: 0, max: 3_600_000 }).map(String),
    })
    fc.assert(
      fc.property(numbers, (env) => {
        const { concurrency, drainTimeoutMs } = load({}, { env }).worker
        expect(String(concurrency)).toBe(env.RENDERQ_CONCURRENCY)
        expect(String(drainTimeoutMs)).toBe(env.RENDERQ_DRAIN_TIMEOUT_MS)
      }),
    )
  })

  test('nothing of it can be changed afterwards', () => {
    const config = load()
    const parts = Object.values(config).filter((value) => typeof value === 'object')
    expect(parts).toHaveLength(4)
    expect([config, ...parts].every((part) => Object.isFrozen(part))).toBe(true)
  })
})

describe('secrets', () => {
  const key = 'sk-canary-0123456789'

  test('the API key shows in no printed form of the configuration', () => {
    const config = load({}, { env: { OPENAI_API_KEY: key } })
    expect(config.openai.apiKey?.reveal()).toBe(key)
    for (const shown of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true })]) {
      expect(shown).not.toContain('canary')
      expect(shown).toContain('[redacted]')
    }
  })

  test('a secret stays hidden in text', () => {
    const secret = new Secret(key)
    expect(`${String(secret)} ${secret.toString()} ${[secret].join()}`).not.toContain('canary')
    expect(Object.values(secret)).toEqual([])
  })
})
