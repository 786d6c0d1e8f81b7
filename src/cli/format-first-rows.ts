/** The first rows of a plan as they would be sent, so that a person sees what a template has come to. Pure. */
import { sourceOf, type InputPicture, type RenderJob } from '../job.ts'
import type { ManifestPlan } from '../producer/plan.ts'
import { inFolder } from './in-folder.ts'
import { printable } from './printable.ts'

const PROMPT_LINES_MAX = 4

export function formatFirstRows(
  { firstJobs, inputs }: Pick<ManifestPlan, 'firstJobs' | 'inputs'>,
  width = 100,
): string[] {
  const fileOf = new Map(inputs.map(({ key, file }) => [key, inFolder(file)]))
  const nameOf = (input: InputPicture) => fileOf.get(sourceOf(input)) ?? sourceOf(input)
  return firstJobs.flatMap((job) => formatRow(job, { nameOf, width }))
}

function formatRow(
  { id, operation, request, images, mask, markup, key }: RenderJob,
  { nameOf, width }: { nameOf: (input: InputPicture) => string; width: number },
): string[] {
  const { prompt = '', model, n, ...parameters } = request
  const settings = Object.entries({ ...(n > 1 && { n }), ...parameters }).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  const pictures = [
    ...images.map((image) => `image ${nameOf(image)}`),
    ...(mask === undefined ? [] : [`mask ${nameOf(mask)}`]),
    ...(markup === undefined ? [] : [`markup ${nameOf(markup)}`]),
  ]
  return [
    shortened(
      `  ${printable(id)}  ${operation}  ${[model, ...settings].join(', ')}  → ${key}`,
      width,
    ),
    ...wrapped(printable(prompt), width - 4).map((line) => `    ${line}`),
    ...pictures.map((picture) => shortened(`    ${printable(picture)}`, width)),
  ]
}

const shortened = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text

/** At blanks, where there are some; what does not fit into a few lines is left out. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width && lines.length < PROMPT_LINES_MAX - 1) {
    const blank = rest.lastIndexOf(' ', width)
    const end = blank > 0 ? blank : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...lines, shortened(rest, width)].filter((line) => line !== '')
}
