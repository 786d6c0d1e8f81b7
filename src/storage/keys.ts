/**
 * The one home of object keys: where each thing lies in the store, and how a person's text becomes a key
 * that is safe on S3, on every file system and in a shell. Keys are relative to the store's root or prefix.
 */
import { createHash } from 'node:crypto'

/** Leaves room for a prefix, an index and an extension under S3's 1,024 bytes. */
export const KEY_BYTES_MAX = 900
/** Leaves room for an index, an extension and the folder store's own suffixes under the usual 255 bytes. */
const SEGMENT_BYTES_MAX = 200

export const recordKey = (fingerprint: string) =>
  `_records/${fingerprint.slice(0, 2)}/${fingerprint}.json`

export const inputKey = (sha256: string, extension: string) => `_inputs/${sha256}.${extension}`

/** A file of a run: `run.json`, `results.csv`, `_SUCCESS`, … */
export const runKey = (run: string, name: string) => `_runs/${run}/${name}`

/** There from the moment that somebody cancelled the run. */
export const cancelledKey = (run: string) => runKey(run, 'cancelled')

/** What became of a schedule's ticks. */
export const scheduleKey = (name: string) => `_schedules/${name}.json`

/** `part` is one-based. */
export const manifestPartKey = (run: string, part: number) =>
  runKey(run, `manifest/${partName(part)}`)

/** `part` is one-based. */
export const resultsPartKey = (run: string, part: number) =>
  runKey(run, `results/${partName(part)}`)

/** Fixed width, so that a listing is in order. */
const partName = (part: number) => `part-${String(part).padStart(5, '0')}.jsonl`

/** `index` is zero-based, the number in the name one-based; a single picture has none. */
export function pictureKey(
  base: string,
  { index, of }: { index: number; of: number },
  extension: string,
): string {
  return of === 1 ? `${base}.${extension}` : `${base}-${index + 1}.${extension}`
}

/** A partial picture of a stream, beside the result. */
export const previewKey = (base: string, index: number, extension: string) =>
  `${base}.partial-${index + 1}.${extension}`

/** S3's list of safe characters less `*`, which Windows can't have in a file name. */
const UNSAFE_RUN = /[^A-Za-z0-9!_.'()]+/g
const SAFE_SEGMENT = /^[A-Za-z0-9!_.'()-]+$/
/** Names that Windows keeps for devices, whatever extension follows. */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)/i
/** Letters that Unicode does not take apart into a base letter and an accent. */
const TRANSLITERATIONS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
}
/** What tells two names apart and is lost when dropped; dashes, quotes and ™ are not. */
const MEANINGFUL = /[\p{L}\p{N}\p{Emoji_Presentation}]/u

/**
 * Turns any text into a key: `/` separates segments, `.` and `..` are dropped, accents are taken off,
 * every other run of unsafe characters becomes `-`. Where that loses letters, digits or emoji, or a name is
 * too long, a short hash of the original keeps different names apart. Otherwise two names may still meet
 * (`a b` and `a-b`; on some file systems also `A` and `a`): whoever plans a run must look for that.
 * Idempotent.
 */
export function sanitizeKey(text: string): string {
  if (checkKey(text) === undefined) return text
  const segments = text
    .split('/')
    .filter((segment) => !['', '.', '..'].includes(segment))
    .map(sanitizeSegment)
  if (segments.length === 0) return hashOf(text)
  segments[0] = withoutReservedStart(segments[0] ?? '', text)
  return shortened(segments, text)
}

/** What is wrong with a key for pictures, in words; undefined when it may be used. */
export function checkKey(key: string): string | undefined {
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) return `is longer than ${KEY_BYTES_MAX} bytes`
  if (key.startsWith('_')) return 'begins with _, which is reserved'
  return key
    .split('/')
    .map(problemOfSegment)
    .find((problem) => problem !== undefined)
}

function problemOfSegment(segment: string): string | undefined {
  if (segment === '') return 'has an empty segment, or a / at its start or end'
  if (!SAFE_SEGMENT.test(segment)) return "holds characters other than A-Z a-z 0-9 ! _ . ' ( ) -"
  if (segment.startsWith('.')) return 'has a segment that begins with a dot'
  if (segment.endsWith('.')) return 'has a segment that ends with a dot'
  if (WINDOWS_DEVICE.test(segment)) return `has a segment that Windows reserves: ${segment}`
  if (segment.length > SEGMENT_BYTES_MAX) {
    return `has a segment longer than ${SEGMENT_BYTES_MAX} bytes`
  }
  return undefined
}

function sanitizeSegment(original: string): string {
  const plain = toPlainLetters(original)
  const safe = withoutOuterDots(plain.replace(UNSAFE_RUN, toDash)).replace(WINDOWS_DEVICE, '$1_')
  const lost = MEANINGFUL.test(plain.replace(/[A-Za-z0-9]/g, ''))
  if (safe !== '' && !lost && safe.length <= SEGMENT_BYTES_MAX) return safe
  const hash = hashOf(original)
  const kept = safe.slice(0, SEGMENT_BYTES_MAX - hash.length - 1)
  return kept === '' ? hash : `${kept}-${hash}`
}

/** `é` → `e`, `ﬁ` → `fi`, `Ａ` → `A`. */
function toPlainLetters(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\0-~]/gu, (letter) => TRANSLITERATIONS[letter] ?? letter)
}

/** Dashes that were typed stay as they are; an unsafe run at either end leaves nothing behind. */
function toDash(run: string, offset: number, whole: string): string {
  if (/^-+$/.test(run)) return run
  const isOuter = offset === 0 || offset + run.length === whole.length
  return isOuter ? '' : '-'
}

/** A leading dot hides a file and belongs to the folder store; Windows drops a trailing one. */
const withoutOuterDots = (segment: string) => segment.replace(/^\.+|\.+$/g, '')

function withoutReservedStart(first: string, text: string): string {
  const free = first.replace(/^[_.]+/, '')
  return free === '' ? hashOf(text) : free.replace(WINDOWS_DEVICE, '$1_')
}

/** Gives up the last segments of a key that is too long for a hash of all of it. */
function shortened(segments: string[], text: string): string {
  const key = segments.join('/')
  if (key.length <= KEY_BYTES_MAX) return key
  const hash = hashOf(text)
  const kept = key.slice(0, KEY_BYTES_MAX - hash.length)
  return kept.slice(0, kept.lastIndexOf('/') + 1) + hash
}

/** 48 bits: enough that a million different names do not meet. */
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)
