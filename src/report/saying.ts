import type { RowResult } from '../row-result.ts'

/** What a failed row's message says, whichever call it was: servers like to name the request in it. */
export function sayingOf({ error, requestId }: Pick<RowResult, 'error' | 'requestId'>): string {
  const message = error ?? ''
  const named = requestId === null || requestId === '' ? message : message.replaceAll(requestId, ID)
  return named.replaceAll(/\breq_\w+/g, ID)
}

const ID = 'req_…'
