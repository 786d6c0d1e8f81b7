import type { Operation } from '../job.ts'
import { isApiColumn } from './columns.ts'
import type { Findings } from './findings.ts'

/** The routes of OpenAI's batch files and what they are here. */
export const OPERATION_OF_URL: ReadonlyMap<unknown, Operation> = new Map([
  ['/v1/images/generations', 'generate'],
  ['/v1/images/edits', 'edit'],
  ['/v1/images/variations', 'variation'],
])
const ENVELOPE: ReadonlySet<string> = new Set(['custom_id', 'method', 'url', 'body'])

type Columns = ReadonlyMap<string, unknown>

/** `{ "custom_id": …, "method": "POST", "url": …, "body": { … } }`, known by its body. */
export function isBatchLine(columns: Columns): boolean {
  const body = columns.get('body')
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  return isObject && (columns.has('url') || columns.has('custom_id'))
}

/**
 * The same row in plain columns, or undefined after reporting what renderq can't do. A parameter it does
 * not know is a problem here: there are no template variables in this form, so leaving it out would be silent.
 */
export function batchLineColumns(
  batch: Columns,
  line: number,
  findings: Findings,
): Columns | undefined {
  const url = batch.get('url')
  const operation = OPERATION_OF_URL.get(url)
  const body = new Map(Object.entries(batch.get('body') as object))
  const problems = [
    ...[...batch.keys()]
      .filter((name) => !ENVELOPE.has(name))
      .map((name) => ({ column: name, message: 'is not part of a batch line' })),
    ...[...body.keys()]
      .filter((name) => !isApiColumn(name))
      .map((name) => ({ column: `body.${name}`, message: 'is not a parameter renderq sends' })),
  ]
  if (!['POST', undefined].includes(batch.get('method') as string | undefined)) {
    problems.push({
      column: 'method',
      message: `${JSON.stringify(batch.get('method'))}: must be POST`,
    })
  }
  if (operation === undefined) {
    const routes = [...OPERATION_OF_URL.keys()].join(', ')
    problems.push({ column: 'url', message: `${JSON.stringify(url)}: must be one of ${routes}` })
  }
  for (const problem of problems) findings.problem({ line, ...problem })
  if (problems.length > 0) return undefined
  return new Map([['id', batch.get('custom_id')], ['operation', operation], ...body])
}
