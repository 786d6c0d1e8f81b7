/** Rows with equal parameters are checked once; nobody may notice but by the speed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan, problemsIn } from './planning.ts'

const lines = (rows: readonly object[]): string =>
  rows.map((row, index) => `${JSON.stringify({ id: `row-${index}`, ...row })}\n`).join('')
const planLines = (rows: readonly object[], set?: Record<string, string>) =>
  plan(lines(rows), { fileName: 'a.jsonl', server: 'openai', ...(set !== undefined && { set }) })

describe('behind a row with the same parameters that is good', () => {
  const good = { prompt: 'x', size: '1024x1024' }

  test.each([
    [
      { ...good, prompt: 'x'.repeat(32_001) },
      'prompt 32,001 characters: gpt-image-2 takes at most 32,000',
    ],
    [{ ...good, prompt: '{{ nothing }}', nothing: ' ' }, 'prompt comes out empty'],
    [
      { ...good, size: '1025x1024' },
      'size "1025x1024": both edges must be divisible by 16 (did you mean 1024x1024?)',
    ],
    [{ ...good, n: 11 }, 'n 11: must be from 1 to 10 (did you mean 10?)'],
    [{ ...good, mask: 's3://b/m.png' }, 'image is missing: an edit needs at least one picture'],
    [{ ...good, quality: 'max' }, 'quality "max": gpt-image-2 takes low, medium, high or auto'],
    [{ ...good, prompt: '{{ nobody }}' }, 'prompt {{ nobody }}: there is no such column'],
  ])('%j is a problem all the same', async (bad, problem) => {
    expect(await problemsIn(planLines([good, bad, good, bad]))).toEqual([
      `a.jsonl:2 ${problem} (2 rows: lines 2, 4)`,
    ])
  })

  test('a number and the text of it are the same request', async () => {
    const { jobs } = await planLines([
      { prompt: 1, n: 2 },
      { prompt: '1', n: '2' },
      { prompt: 2, n: 2 },
    ])

    expect(jobs.map(({ request: { prompt, n } }) => [prompt, n])).toEqual([
      ['1', 2],
      ['1', 2],
      ['2', 2],
    ])
  })

  test('warnings count every row', async () => {
    const row = { prompt: 'x', complexity: 'low' }
    const { warnings } = await planLines([row, { ...row, prompt: 'y' }, row])

    expect(warnings).toEqual([
      'complexity is not documented for gpt-image-2: it may be refused, or do nothing (3 rows, first at line 1)',
    ])
  })

  test('what comes from the row and what from --set is not the same', async () => {
    const edit = { prompt: 'x', image: 's3://b/a.png', input_fidelity: 'high' }
    const { prompt, image } = edit
    const set = { model: 'gpt-image-1.5', input_fidelity: 'high' }

    const { jobs, warnings } = await planLines([{ prompt }, { prompt, image }, { prompt }], set)

    expect(jobs.map(({ request }) => request.input_fidelity)).toEqual([
      undefined,
      'high',
      undefined,
    ])
    expect(warnings.filter((warning) => warning.startsWith('input_fidelity'))).toEqual([
      'input_fidelity of --set or defaults is left out of generate rows: not taken there (2 rows, first at line 1)',
    ])
    expect(
      await problemsIn(planLines([{ prompt }, { prompt, input_fidelity: 'high' }], set)),
    ).toHaveLength(1)
  })
})

test('a row is planned as if it were alone', async () => {
  const cell = <Value>(...values: Value[]) =>
    fc.option(fc.constantFrom(...values), { nil: undefined })
  const row = fc.record({
    prompt: fc.constantFrom('a mug', 'a cup', 'a {{ id }}'),
    n: cell<unknown>(1, '2', 3),
    size: cell('1024x1024', 'auto', '1536X1024'.toLowerCase()),
    quality: cell('low', 'HIGH'),
    model: cell('gpt-image-2.5-flare', 'gpt-image-2', 'somebody-elses'),
    image: cell<unknown>('s3://b/a.png', ['s3://b/a.png', 'file-abc']),
    output_format: cell('webp', 'png'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
      const together = (await planLines(rows)).jobs
      for (const [index, given] of rows.entries()) {
        const [alone] = (await planLines([{ ...given, id: `row-${index}` }])).jobs
        expect(together[index]).toEqual({ ...alone, row: index })
      }
    }),
    { numRuns: 40 },
  )
})
