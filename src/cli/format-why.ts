/** Why a row was rendered or not, in words. Pure. */
import type { Change } from '../report/row-changes.ts'
import type { Why } from '../report/why-row.ts'
import { printable } from './printable.ts'

/** Of two long texts, only the place where they differ is shown, with so much around it. */
const AROUND_CHARS = 24
const TEXT_SHOWN_MAX = 160

export function formatWhy(row: string, { sentences, changes }: Why): string[] {
  const differences =
    changes.length === 0
      ? []
      : ['  what differed:', ...changes.flatMap((change) => formatChange(change))]
  return [row, ...sentences.map((sentence) => `  ${sentence}`), ...differences].map(printable)
}

function formatChange({ what, was, is }: Change): string[] {
  const [before, after] = was !== null && is !== null ? excerpts(was, is) : [was, is]
  return [`    ${what}`, `      - ${before ?? '(none)'}`, `      + ${after ?? '(none)'}`]
}

function excerpts(was: string, is: string): [string, string] {
  const shorter = Math.min(was.length, is.length)
  let start = 0
  while (start < shorter && was[start] === is[start]) start += 1
  let end = 0
  while (end < shorter - start && was.at(-1 - end) === is.at(-1 - end)) end += 1
  return [excerpt(was, start, end), excerpt(is, start, end)]
}

/** `start` characters at the beginning and `end` at the end are the same in both. */
function excerpt(text: string, start: number, end: number): string {
  const from = Math.max(0, start - AROUND_CHARS)
  const until = Math.min(text.length, text.length - end + AROUND_CHARS)
  const middle = text.slice(from, until)
  const shown = middle.length > TEXT_SHOWN_MAX ? `${middle.slice(0, TEXT_SHOWN_MAX)}…` : middle
  return `${from > 0 ? '…' : ''}${shown}${until < text.length && !shown.endsWith('…') ? '…' : ''}`
}
