/** What the store says of runs: the document of one, and which there are. */
import { RunId } from '../job.ts'
import { RunDocument } from '../run-document.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

const DOCUMENT_BYTES_MAX = 64 * 1024 * 1024
/** A listing of more than that takes minutes on S3; the run ids in what was seen by then must do. */
const KEYS_LISTED_MAX = 20_000

/** Undefined when there is none, or it is of a version that can't be read. */
export async function readDocument(run: string, store: Store): Promise<RunDocument | undefined> {
  if (!RunId.safeParse(run).success) return undefined
  const bytes = await store.get(runKey(run, 'run.json'), { bytesMax: DOCUMENT_BYTES_MAX })
  if (bytes === undefined) return undefined
  try {
    return RunDocument.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}

export async function storedRuns(store: Store): Promise<RunId[]> {
  const runs: RunId[] = []
  let listed = 0
  for await (const { key } of store.list('_runs/')) {
    const [, run] = /^_runs\/([^/]+)\/run\.json$/.exec(key) ?? []
    if (run !== undefined && RunId.safeParse(run).success) runs.push(run)
    listed += 1
    if (listed >= KEYS_LISTED_MAX) break
  }
  return runs
}
