import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseSchedules, ScheduleFile } from '../../../src/producer/schedule-file.ts'

const schedule = (changes: object = {}) => ({
  name: 'nightly',
  cron: '30 2 * * *',
  manifest: 'catalog.csv',
  ...changes,
})
const fileOf = (...schedules: object[]) => JSON.stringify({ version: 1, schedules })
const read = (text: string) => parseSchedules(text, { file: 'schedules.json' })

/** One line per problem, without the headline. */
function problemsOf(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    const [headline, ...problems] = String(error).split('\n')
    expect(headline).toMatch(/schedules\.json .*(problem|JSON)/)
    return problems.map((line) => line.trim())
  }
  return []
}

test('what is left out has its default', () => {
  expect(read(fileOf(schedule()))).toEqual([
    {
      name: 'nightly',
      cron: '30 2 * * *',
      manifest: 'catalog.csv',
      timeZone: 'UTC',
      settings: {},
      concurrencyPolicy: 'forbid',
      startingDeadlineSeconds: 3_600,
      suspend: false,
    },
  ])
})

test('everything may be said', () => {
  const whole = schedule({
    timeZone: 'Europe/Berlin',
    settings: {
      prompt: 'a {{ color }} mug',
      set: { quality: 'low', n: 2, stream: true },
      name: '{{ id }}',
      existing: 'keep',
      keepPartials: true,
      priority: 'high',
      map: { id: 'Variant SKU', image: 'Image Src' },
      fillDown: ['Handle', 'Title'],
      only: ['a', 'b'],
      rows: '1-50,60',
      where: 'category=mug',
      first: 5,
      sample: 10,
      force: true,
      checkInputs: true,
    },
    budgetUsd: 12.5,
    concurrencyPolicy: 'replace',
    startingDeadlineSeconds: 60,
    suspend: true,
  })

  expect(read(fileOf(whole))).toEqual([whole])
})

test('every problem is named at once, with its place and what is accepted', () => {
  const text = JSON.stringify({
    $schema: 'https://example.com/schedules.json',
    version: 2,
    schedules: [
      schedule({ cron: '61 2 * * *', timezone: 'UTC' }),
      schedule({
        timeZone: 'Europe/Berln',
        settings: { existng: 'keep', priority: 'urgent', rows: 'x-y' },
      }),
      { name: 'No Name', manifest: 'https://example.com/catalog.csv', startingDeadlineSeconds: 0 },
      'nightly',
    ],
    shedules: [],
  })

  expect(problemsOf(text)).toEqual([
    'version 2: must be 1',
    'schedules[0].cron "61 2 * * *": must be five fields (minute, hour, day, month, weekday) or one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly (got value 61 expected range 0-59)',
    'schedules[0].timezone: there is no such key (did you mean timeZone?)',
    'schedules[1].timeZone "Europe/Berln": must be an IANA time zone such as Europe/Berlin (did you mean Europe/Berlin?)',
    'schedules[1].settings.priority "urgent": must be one of high, normal, low',
    'schedules[1].settings.rows "x-y": must be ranges such as 1-50,60',
    'schedules[1].settings.existng: there is no such key (did you mean existing?)',
    'schedules[2].name "No Name": must be a-z, 0-9 and -, at most 63 characters, no - at its ends; unique in the file',
    expect.stringMatching(/^schedules\[2\]\.cron is missing: must be five fields/),
    'schedules[2].manifest "https://example.com/catalog.csv": must be a path relative to this file, store:<key>, or s3://bucket/key',
    'schedules[2].startingDeadlineSeconds 0: must be a whole number from 1 to 604800',
    'schedules[3] "nightly": must be an object',
    'shedules: there is no such key (did you mean schedules?)',
    'schedules[1].name "nightly": is also the name of schedules[0]',
  ])
})

describe('a manifest is', () => {
  test.each([
    'catalog.csv',
    '../exports/catalog.csv',
    '/data/catalog.csv',
    'store:exports/catalog.csv',
    's3://bucket/exports/catalog.csv',
  ])('%s', (manifest) => {
    expect(problemsOf(fileOf(schedule({ manifest })))).toEqual([])
  })

  test.each(['', '-', 'http://x/y.csv', 'file:///etc/passwd', 'store:', 's3://bucket', 's3://'])(
    'not %j',
    (manifest) => {
      expect(problemsOf(fileOf(schedule({ manifest })))).toHaveLength(1)
    },
  )
})

test.each([
  ['[]', 'the file []: must be one object with "version": 1 and "schedules"'],
  ['{"version": 1}', 'schedules is missing: must be an array of at most 1000 schedules'],
  ['null', 'the file null: must be one object with "version": 1 and "schedules"'],
])('%s is not such a file', (text, problem) => {
  expect(problemsOf(text)).toEqual([problem])
})

test('what is not JSON is said to be none', () => {
  expect(() => read('{ "version": 1, }')).toThrow(/schedules\.json is not valid JSON/)
})

test('a file of users has no seconds; a test may', () => {
  const text = fileOf(schedule({ cron: '*/2 * * * * *' }))

  expect(problemsOf(text)).toHaveLength(1)
  expect(parseSchedules(text, { file: 'schedules.json', allowSeconds: true })).toHaveLength(1)
})

test('the example is good', () => {
  const text = readFileSync('jobs/schedules.json', 'utf8')

  expect(read(text).map(({ name }) => name)).toEqual(['nightly-catalog', 'hourly-sale'])
})

test('a JSON Schema can be made of it', () => {
  const schema = z.toJSONSchema(ScheduleFile, { io: 'input' })

  expect(schema).toMatchObject({ required: ['version', 'schedules'], additionalProperties: false })
})
