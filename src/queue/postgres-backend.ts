/** BullMQ on a Postgres server: for those who have one and no Redis. */
import { createHash } from 'node:crypto'
import { createPostgresBackend, runMigrations, withBackend } from 'bullmq'
import { Client, Pool } from 'pg'
import { messageOf, ServiceError } from '../errors.ts'
import {
  withoutPassword,
  type BullBackend,
  type BullQueue,
  type BullWorker,
} from './bull-backend.ts'
import { LEDGER_SCHEMA, PostgresLedger } from './postgres-ledger.ts'
import type { SqlPool } from './sql-pool.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** Per queue and per worker; queries are short, and a worker adds one connection that listens. */
const POOL_CONNECTIONS_MAX = 4

/**
 * Nothing is kept: removal by count or age happens inside the completing transaction and can deadlock on a
 * busy queue, which would run a finished job again. The ledger and the store know the outcome anyway.
 */
export const POSTGRES_RETENTION = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } }

export async function openPostgresBackend(url: string, schema: string): Promise<BullBackend> {
  const name = withoutPassword(url)
  const { Queue, Worker } = withBackend(createPostgresBackend)
  const poolConfig = {
    connectionString: url,
    options: `-c search_path=${schema}`,
    max: POOL_CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
  await migrate(new Client(poolConfig), { schema, name })
  const pool = new Pool(poolConfig)
  // An idle connection that drops is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {})
  const connection = {
    connectionString: url,
    schema,
    max: POOL_CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
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
      await Promise.allSettled(closing.map((close) => close()))
      await pool.end()
    },
  }
}

async function migrate(
  client: Client,
  { schema, name }: { schema: string; name: string },
): Promise<void> {
  // A connection that breaks also rejects the query in flight; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw new ServiceError(
      `the queue at ${name} can't be reached: ${messageOf(cause)} - start Postgres, or set QUEUE_URL`,
      { cause },
    )
  }
  try {
    await runMigrations(client, schema)
    // Several workers may start at once; "create or replace" must not run in two of them together.
    await client.query('select pg_advisory_lock($1)', [LEDGER_LOCK])
    await createLedgerSchema(client)
  } catch (cause) {
    throw new ServiceError(
      `the queue at ${name} can't be prepared: ${messageOf(cause)} - the user must be allowed to create a schema`,
      { cause },
    )
  } finally {
    await client.end()
  }
}

const LEDGER_LOCK = 0x72656e64

/** Runs the DDL only when it differs from what was run here last. */
export async function createLedgerSchema(pool: SqlPool): Promise<void> {
  const digest = createHash('sha256').update(LEDGER_SCHEMA).digest('hex')
  await pool.query('create table if not exists ledger_schema (digest text primary key)')
  const { rows } = await pool.query('select 1 from ledger_schema where digest = $1', [digest])
  if (rows.length > 0) return
  await pool.query(LEDGER_SCHEMA)
  await pool.query(`delete from ledger_schema`)
  await pool.query('insert into ledger_schema values ($1)', [digest])
}
