import { ConfigError } from '../errors.ts'
import { RunId } from '../job.ts'
import type { RunDocument } from '../run-document.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { readDocument } from '../storage/stored-run.ts'

/** Throws ConfigError when the store has no such run, or what is there can't be read. */
export async function requireDocument(run: string, store: Store): Promise<RunDocument> {
  const document = await readDocument(run, store)
  if (document !== undefined) return document
  const key = runKey(run, 'run.json')
  const isThere = RunId.safeParse(run).success && (await store.head(key)) !== undefined
  throw new ConfigError(
    isThere
      ? `${store.locationOf(key)} is not the document of a run that this version can go on with`
      : `there is no run "${run}" in ${store.url}: "renderq runs" lists them`,
  )
}
