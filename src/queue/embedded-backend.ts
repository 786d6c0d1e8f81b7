/**
 * The embedded backend: BullMQ on PGlite inside one process, which owns the data; other processes of the same
 * folder join it through its socket to add and look, but not to work. Nothing has to be installed.
 */
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { createPostgresBackend, runMigrations, withBackend } from 'bullmq'
import { EmbeddedOwnedError, messageOf, ServiceError } from '../errors.ts'
import type { BullBackend, BullQueue, BullWorker } from './bull-backend.ts'
import { releaseLock, takeLock, type Owner } from './embedded-lock.ts'
import { joinStatements, serveStatements } from './embedded-socket.ts'
import { notificationsOf, poolOver, statementsOf, type BullPool } from './pglite-pool.ts'
import { createLedgerSchema, POSTGRES_RETENTION } from './postgres-backend.ts'
import { PostgresLedger } from './postgres-ledger.ts'

export interface EmbeddedOptions {
  dataDir: string
  /** For messages to others: what this process is doing. */
  command: string
  /** True for those that render: they must own the data, and stay. */
  works: boolean
  onWait(message: string): void
}

/** A joining command waits this long for an owner that is just starting; first start takes several seconds. */
const JOIN_TIMEOUT_MS = 60_000
/** A worker waits this long for a short command to give the data back. */
const OWN_TIMEOUT_MS = 10 * 60_000
const LOOK_AGAIN_MS = 100
const PEERS_GO_FIRST_MS = 5_000
const SCHEMA = 'bullmq'

export async function openEmbeddedBackend(options: EmbeddedOptions): Promise<BullBackend> {
  const { dataDir, command, works } = options
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const socket = socketPath(dataDir)
  const startedAt = Date.now()
  let told = false
  for (;;) {
    const lock = await takeLock(dataDir, { command, stays: works, socket })
    if (lock.kind === 'taken') return own(dataDir, socket)
    refuseOrWait(lock.owner, { works, waitedMs: Date.now() - startedAt })
    if (!works) {
      const joined = await tryJoin(lock.owner)
      if (joined !== undefined) return joined
    } else if (!told) {
      told = true
      options.onWait(`waiting for renderq ${lock.owner.command} (pid ${lock.owner.pid}) to finish`)
    }
    await sleep(LOOK_AGAIN_MS)
  }
}

function refuseOrWait(
  owner: Owner,
  { works, waitedMs }: { works: boolean; waitedMs: number },
): void {
  const who = `renderq ${owner.command} (pid ${owner.pid})`
  if (works && owner.stays) {
    throw new EmbeddedOwnedError(
      `${who} already works on this folder's embedded queue: hand it manifests with "renderq enqueue", ` +
        'or set QUEUE_URL to a Redis for more than one worker',
    )
  }
  if (waitedMs > (works ? OWN_TIMEOUT_MS : JOIN_TIMEOUT_MS)) {
    throw new EmbeddedOwnedError(`${who} holds this folder's embedded queue and does not answer`)
  }
}

/** Listens before it opens, so that others see a living owner at once; their statements wait until it is open. */
async function own(dataDir: string, socket: string): Promise<BullBackend> {
  const opening = openDatabase(join(dataDir, 'queue'))
  // Reported below; statements that wait for it are answered with the same error.
  opening.catch(() => {})
  const server = await serveStatements(socket, {
    query: async (text, values) => (await opening).statements.query(text, values),
  })
  try {
    const { db, pool } = await opening
    return backendOver(pool, {
      name: `embedded in ${dataDir}`,
      async close() {
        await server.close(PEERS_GO_FIRST_MS)
        await db.close()
        await releaseLock(dataDir)
      },
    })
  } catch (cause) {
    await server.close(0)
    await releaseLock(dataDir)
    throw new ServiceError(
      `the embedded queue in ${dataDir} can't be opened: ${messageOf(cause)} - ` +
        'pictures and records are not in it; moving the folder aside loses only what was waiting',
      { cause },
    )
  }
}

/**
 * In rough bytes of WebAssembly run before V8 compiles a function anew, for speed. At V8's own 1.8 million, opening the
 * database alone sets off compiling that costs more than a short command's whole work; measured over 1,500 rows, a long
 * run loses nothing by waiting.
 */
const WASM_TIERING_BUDGET = 100_000_000

async function openDatabase(dir: string) {
  setFlagsFromString(`--wasm-tiering-budget=${WASM_TIERING_BUDGET}`)
  const { PGlite } = await import('@electric-sql/pglite')
  const db = await PGlite.create({ dataDir: dir })
  try {
    const statements = statementsOf(db)
    const pool = poolOver(statements, notificationsOf(db))
    await runMigrations((await pool.connect()) as never, SCHEMA)
    await statements.query(`set search_path to ${SCHEMA}, public`)
    await createLedgerSchema(statements)
    return { db, statements, pool }
  } catch (error) {
    await db.close()
    throw error
  }
}

/** Undefined while the owner is not listening yet, or no longer. */
async function tryJoin(owner: Owner): Promise<BullBackend | undefined> {
  try {
    const remote = await joinStatements(owner.socket)
    return backendOver(poolOver(remote, new EventEmitter()), {
      name: `embedded, owned by pid ${owner.pid}`,
      close: async () => remote.close(),
    })
  } catch {
    return undefined
  }
}

function backendOver(
  pool: BullPool,
  { name, close }: { name: string; close(): Promise<void> },
): BullBackend {
  const { Queue, Worker } = withBackend(createPostgresBackend)
  const connection = pool as never
  const closing: (() => Promise<unknown>)[] = []
  return {
    name,
    ledger: new PostgresLedger(pool),
    retention: POSTGRES_RETENTION,
    openQueue(queueName) {
      const queue = new Queue(queueName, { connection })
      closing.push(() => queue.close())
      return queue as unknown as BullQueue
    },
    openWorker(queueName, processor, options) {
      return new Worker(queueName, processor, { ...options, connection }) as unknown as BullWorker
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(closing.map((closeOne) => closeOne()))
      await close()
    },
  }
}

/** Socket paths are limited to about a hundred bytes; a deep folder gets one in the temporary directory. */
function socketPath(dataDir: string): string {
  const digest = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\renderq-${digest}`
  const beside = join(dataDir, 'queue.sock')
  return Buffer.byteLength(beside) < 100 ? beside : join(tmpdir(), `renderq-${digest}.sock`)
}
