/**
 * PGlite in this process, looking like a `pg.Pool` to BullMQ. Everything shares one session: statements queue up
 * one behind the other, and a notification reaches every listener.
 */
import { EventEmitter } from 'node:events'
import type { PGlite } from '@electric-sql/pglite'
import type { SqlPool, SqlResult } from './sql-pool.ts'

/** BullMQ passes either text and values, or one object with both. */
type Statement = string | { text: string; values?: unknown[] }

export interface BullPool extends SqlPool {
  /** BullMQ may block for long on a pool that says so, because a dead connection would be noticed. */
  readonly options: { keepAlive: true }
  connect(): Promise<BullClient>
  end(): Promise<void>
  on(event: string, listener: (...args: never[]) => void): unknown
}

type BullClient = EventEmitter & SqlPool & { release(): void }

export function poolOver(source: SqlPool, notifications: EventEmitter): BullPool {
  const query = (statement: Statement, values?: unknown[]) =>
    typeof statement === 'string'
      ? source.query(statement, values)
      : source.query(statement.text, statement.values ?? values)
  return {
    options: { keepAlive: true },
    query: query,
    async connect() {
      const client = Object.assign(new EventEmitter(), {
        query: query,
        release: () => notifications.off('notification', forward),
      })
      const forward = (notification: unknown) => void client.emit('notification', notification)
      notifications.on('notification', forward)
      return client
    },
    end: async () => {},
    on: () => undefined,
  }
}

/** Statements without values may be several, as in migrations. */
export function statementsOf(db: PGlite): SqlPool {
  return {
    async query(text, values) {
      if (values === undefined || values.length === 0) {
        return toResult((await db.exec(text)).at(-1))
      }
      return toResult(await db.query(text, values))
    },
  }
}

/** Fans PGlite's notifications out; listeners may come and go, so no warning at the eleventh. */
export function notificationsOf(db: PGlite): EventEmitter {
  const notifications = new EventEmitter().setMaxListeners(0)
  db.onNotification((channel, payload) => {
    notifications.emit('notification', { channel, payload })
  })
  return notifications
}

function toResult(result: { rows: unknown[]; affectedRows?: number } | undefined): SqlResult {
  const rows = (result?.rows ?? []) as SqlResult['rows']
  return { rows, rowCount: result?.affectedRows ?? rows.length }
}
