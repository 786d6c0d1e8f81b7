/** Why rows failed, in words: a group a cause, with what helps under it once. Pure. */
import { styleText } from 'node:util'
import type { RowResults } from '../report/row-results.ts'

/** An id may be half a kilobyte long. */
const ID_LENGTH_MAX = 40

export function formatFailures({
  failures,
  leftOut,
}: Pick<RowResults, 'failures' | 'leftOut'>): string[] {
  const lines = failures.flatMap(({ code, rows, ids, message, isSameMessage, help }) => {
    const more = rows > ids.length ? ` and ${rows - ids.length} more` : ''
    const others = isSameMessage ? '' : ' (the first; others say something else)'
    return [
      `  ${styleText('red', `${rows} ${code}`)}  ${ids.map(shortened).join(', ')}${more}: ${message}${others}`,
      `    ${help}`,
    ]
  })
  return leftOut === undefined ? lines : [...lines, `  not all results were read: ${leftOut}`]
}

const shortened = (id: string): string =>
  id.length > ID_LENGTH_MAX ? `${id.slice(0, ID_LENGTH_MAX - 1)}…` : id
