/** What excludes what among the parameters of one request, for a model that is known. */
import type { ImageRequest } from '../job.ts'
import type { ParameterName } from './models.ts'
import type { ModelSubject, RequestCheck } from './request-check.ts'
import { isUnprovenSize } from './sizes.ts'

export function checkCombinations(subject: ModelSubject, check: RequestCheck): void {
  const format = formatOf(subject.request)
  // Of a format that is refused anyway, what goes with it is no news.
  if (subject.model.formats[subject.operation]?.includes(format)) checkFormat(subject, check)
  warnOfPreviews(subject, check)
}

const formatOf = ({ output_format: format = 'png' }: ImageRequest): string => format

function checkFormat(subject: ModelSubject, check: RequestCheck): void {
  const format = formatOf(subject.request)
  checkFormatParameters(subject, check)
  if (format === 'gif') checkGif(subject, check)
  if (format === 'svg') checkSvg(subject, check)
}

const APPLIES_ONLY_TO: readonly (readonly [ParameterName, readonly string[]])[] = [
  ['output_compression', ['jpeg', 'webp']],
  ['frame_count', ['gif']],
  ['frame_duration_ms', ['gif']],
  ['svg', ['svg']],
]

function checkFormatParameters({ request }: ModelSubject, { problems }: RequestCheck): void {
  const format = formatOf(request)
  if (request.background === 'transparent' && format !== 'png' && format !== 'webp') {
    problems.push({
      column: 'output_format',
      message: `"${format}": a transparent background needs png or webp`,
      suggestion: 'png',
    })
  }
  for (const [column, formats] of APPLIES_ONLY_TO) {
    if (request[column] === undefined || formats.includes(format)) continue
    const message = `applies to ${formats.join(' and ')} only, not to ${format}`
    problems.push({ column, message })
  }
}

function checkGif(subject: ModelSubject, check: RequestCheck): void {
  checkNotStreamed(subject, check)
  if (subject.operation === 'edit' && subject.context.hasMask) {
    check.problems.push({ column: 'mask', message: 'is not taken with gif output' })
  }
}

function checkSvg(subject: ModelSubject, check: RequestCheck): void {
  checkNotStreamed(subject, check)
  const { n } = subject.request
  if (n > 1) {
    const message = `${n}: svg is made one per call`
    check.problems.push({ column: 'n', message, suggestion: '1' })
  }
}

/** A stream that nobody asked for but by asking for partial pictures is one problem, not two. */
function checkNotStreamed({ request }: ModelSubject, { problems }: RequestCheck): void {
  const message = `is not taken with ${formatOf(request)} output`
  if (request.partial_images !== undefined) problems.push({ column: 'partial_images', message })
  else if (request.stream === true) problems.push({ column: 'stream', message })
}

function warnOfPreviews({ request, model }: ModelSubject, { warnings }: RequestCheck): void {
  const { background, size } = request
  const format = formatOf(request)
  if (background !== undefined && model.previewBackgrounds?.includes(background)) {
    warnings.push(`background ${background} is a preview on ${model.id}`)
  }
  if (model.previewFormats?.includes(format)) {
    warnings.push(`${format} output on ${model.id} is for accounts that OpenAI gave access to it`)
  }
  if (size !== undefined && isUnprovenSize(size, model)) {
    warnings.push(`sizes above 2560x1440 are experimental on ${model.id}`)
  }
}
