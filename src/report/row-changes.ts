/** What differs between two versions of a row, as far as it decides the pictures. Pure. */
import { NOT_PICTURE_DECIDING } from '../job.ts'
import type { InputEntry, ReplacedVersion } from '../record.ts'

export interface Change {
  /** `prompt`, `size`, `input picture 2`, `mask`, … */
  what: string
  /** Null where the version had none. */
  was: string | null
  is: string | null
}

export type Version = Pick<ReplacedVersion, 'operation' | 'request' | 'inputs' | 'mask' | 'markup'>

export function changesBetween(was: Version, is: Version): Change[] {
  const inputCount = Math.max(was.inputs.length, is.inputs.length)
  return [
    ...changeOf('operation', was.operation, is.operation),
    ...requestChanges(was.request, is.request),
    ...Array.from({ length: inputCount }, (_, index) =>
      inputChange(inputName(index), was.inputs[index], is.inputs[index]),
    ).flat(),
    ...inputChange('mask', was.mask, is.mask),
    ...inputChange('markup', was.markup, is.markup),
  ]
}

function requestChanges(was: Version['request'], is: Version['request']): Change[] {
  const wasValues = new Map<string, unknown>(Object.entries(was))
  const isValues = new Map<string, unknown>(Object.entries(is))
  return [...new Set([...wasValues.keys(), ...isValues.keys()])]
    .filter((name) => !NOT_PICTURE_DECIDING.has(name))
    .flatMap((name) => changeOf(name, textOf(wasValues.get(name)), textOf(isValues.get(name))))
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const changeOf = (what: string, was: string | null, is: string | null): Change[] =>
  was === is ? [] : [{ what, was, is }]

export const inputName = (index: number): string => `input picture ${index + 1}`

type Input = InputEntry | null | undefined

/** The bytes decide, wherever they came from; where nobody saw them, the source does. */
function inputChange(what: string, was: Input, is: Input): Change[] {
  const wasSeen = was?.sha256 ?? null
  const isSeen = is?.sha256 ?? null
  const isSame =
    wasSeen === null || isSeen === null ? was?.source === is?.source : wasSeen === isSeen
  return isSame ? [] : [{ what, was: inputText(was), is: inputText(is) }]
}

function inputText(input: Input): string | null {
  if (input === null || input === undefined) return null
  const { source, sha256 } = input
  // A picture from a local path is named by its digest already.
  if (sha256 === null || source.includes(sha256)) return source
  return `${source} (sha256 ${sha256.slice(0, 12)}…)`
}
