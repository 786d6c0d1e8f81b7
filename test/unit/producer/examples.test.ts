/** The manifests in jobs/ are what newcomers run first, and what they read when something is wrong. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { RenderJob } from '../../../src/job.ts'
import { planManifest } from '../../../src/producer/plan.ts'
import { tempDir } from '../../helpers/temp.ts'
import { OPTIONS, plannedRowsIn, problemsIn } from './planning.ts'

async function planExample(manifest: string) {
  await using dir = await tempDir()
  await using plan = await planManifest({ ...OPTIONS, manifest, workDir: dir.join('work') })
  const parts = await Promise.all(plan.parts.map(({ file }) => readFile(file, 'utf8')))
  const jobs = parts.flatMap(plannedRowsIn).map(({ job }) => job)
  return { ...plan, jobs }
}

describe('every good example is planned as it is', () => {
  test.each([
    ['jobs/demo.csv', 13, 15, 3],
    ['jobs/catalog.json', 5, 6, 2],
    ['jobs/catalog.jsonl', 5, 5, 3],
    ['jobs/openai-batch.jsonl', 3, 4, 0],
    ['jobs/newest.jsonl', 5, 5, 3],
  ])('%s', async (manifest, rowCount, pictureCount, inputCount) => {
    const plan = await planExample(manifest)

    expect(plan).toMatchObject({ rowCount, pictureCount })
    expect(plan.inputs).toHaveLength(inputCount)
    const expected = /was shut down by OpenAI|is for accounts that OpenAI gave access/
    expect(plan.warnings.filter((warning) => !expected.test(warning))).toEqual([])
  })
})

test('the demo shows every operation, format and way of answering', async () => {
  const { byOperation, jobs } = await planExample('jobs/demo.csv')
  const seen = (name: keyof RenderJob['request']) =>
    new Set(jobs.map(({ request }) => request[name]))

  expect(byOperation).toEqual({ generate: 9, edit: 3, variation: 1 })
  expect(seen('output_format')).toEqual(new Set([undefined, 'png', 'webp', 'jpeg']))
  expect(seen('response_format')).toContain('url')
  expect(seen('background')).toContain('transparent')
  expect(seen('n')).toContain(2)
  expect(jobs.filter(({ mask }) => mask !== undefined)).toHaveLength(1)
  expect(jobs.filter(({ images }) => images.length === 2)).toHaveLength(1)
})

test('the newest parameters are shown at work', async () => {
  const { jobs } = await planExample('jobs/newest.jsonl')
  const shown = new Set(jobs.flatMap(({ request }) => Object.keys(request)))

  for (const name of ['stream', 'partial_images', 'complexity', 'frame_count', 'moderation']) {
    expect(shown).toContain(name)
  }
  expect(jobs.map(({ request }) => request.output_format)).toEqual(
    expect.arrayContaining(['gif', 'svg']),
  )
  expect(jobs.filter(({ markup }) => markup !== undefined)).toHaveLength(1)
})

const MISTAKES = [
  'mistakes.csv:3 prompt is missing: generate needs one; --prompt gives one to all that lack it',
  'mistakes.csv:4 prompt {{ colour }}: there is no such column (did you mean color?)',
  'mistakes.csv:5 prompt {{ … | uppcase }}: there is no such filter (did you mean upcase?)',
  'mistakes.csv:6 prompt is a template that fails: output "{{ color mug" not closed; for braces as plain text write {% raw %}{{…}}{% endraw %}',
  'mistakes.csv:7 id "good": is also the id of line 2',
  'mistakes.csv:8 name "mistakes/GOOD": line 2 has the same object name',
  'mistakes.csv:9 operation "edits": must be generate, edit or variation (did you mean edit?)',
  'mistakes.csv:10 n "two": must be a whole number',
  'mistakes.csv:11 n 11: must be from 1 to 10 (did you mean 10?)',
  'mistakes.csv:12 size "1025x1024": both edges must be divisible by 16 (did you mean 1024x1024?)',
  'mistakes.csv:13 size "512x512": 262,144 pixels are too few, the least is 655,360 (did you mean 816x816?)',
  'mistakes.csv:14 quality "hihg": gpt-image-2 takes low, medium, high or auto (did you mean high?)',
  'mistakes.csv:15 output_format "jpg": gpt-image-2 takes png, jpeg or webp (did you mean jpeg?)',
  'mistakes.csv:16 output_format "jpeg": a transparent background needs png or webp (did you mean png?)',
  'mistakes.csv:17 output_compression applies to jpeg and webp only, not to png',
  'mistakes.csv:18 response_format is not taken by gpt-image-2 for generate: its answers are always base64',
  'mistakes.csv:19 image is missing: an edit needs at least one picture (2 rows: lines 19, 20)',
  'mistakes.csv:21 image is not taken by generate, only by edit and variation',
  'mistakes.csv:22 image "pictures/mgu.png": there is no such file (did you mean pictures/mug.png?)',
  'mistakes.csv:23 image "../package.json": is outside of …: only pictures in there are read',
  `mistakes.csv:24 image "README.md": can't be used: not a picture: begins with '# Example ma'`,
  'mistakes.csv:25 image "pictures": is a folder',
  'mistakes.csv:26 mask must be a PNG with an alpha channel: transparent marks what to change',
  'mistakes.csv:27 prompt is not taken by dall-e-2 for variation',
  'mistakes.csv:28 image must name exactly one picture for a variation',
  'mistakes.csv:29 quality "low": dall-e-3 takes standard or hd',
  'mistakes.csv:29 size "512x512": dall-e-3 takes 1024x1024, 1792x1024, 1024x1792 (did you mean 1024x1024?)',
  'mistakes.csv:29 n 2: dall-e-3 makes at most 1 per call (did you mean 1?)',
  'mistakes.csv:30 output_format "svg": gpt-image-2.6-flare takes png, jpeg, webp or gif',
  'mistakes.csv:31 frame_count applies to gif only, not to png',
  'mistakes.csv:32 stream "yes": must be true or false',
  'mistakes.csv:33 partial_images 2: partial pictures come in a stream, and stream is false',
  'mistakes.csv:34 markup must be a PNG with transparent pixels: it is laid over the first image',
  'mistakes.csv:35 markup is not taken together with a mask',
  'mistakes.csv:36 image names a file id or an image_url for the API: a variation takes only uploaded pictures',
  'mistakes.csv:37 has 3 cells where the header has 19',
  'mistakes.csv:38 prompt has text after the closing quote: write a quote inside quoted text as ""',
]

test('the example of mistakes names each of them, all at once', async () => {
  const problems = await problemsIn(planExample('jobs/mistakes.csv'))

  expect(problems.map((problem) => problem.replace(/ outside of \S+:/, ' outside of …:'))).toEqual(
    MISTAKES,
  )
})
