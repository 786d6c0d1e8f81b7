/**
 * The owner's local socket: other processes of this user send single SQL statements through it and get rows
 * back. A statement at a time is all that BullMQ and the ledger need, and it runs in the owner's session, so
 * the owner's workers are woken at once. Frames are a four-byte length and a v8-serialized message; the
 * socket file is readable by its owner alone.
 */
import { chmod, unlink } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import { z } from 'zod'
import { messageOf, ServiceError } from '../errors.ts'
import type { SqlPool, SqlResult } from './sql-pool.ts'

const Request = z.object({
  id: z.int(),
  text: z.string(),
  values: z.array(z.unknown()).optional(),
})
type Request = z.infer<typeof Request>

type Reply =
  | { id: number; kind: 'result'; result: SqlResult }
  | { id: number; kind: 'error'; message: string; code: string | undefined }

/** Far above any statement or page of results we send; a longer frame means the peer is not one of us. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024
const STATEMENT_TIMEOUT_MS = 60_000

export interface StatementServer {
  /** Lets peers finish what they are in the middle of for so long, then cuts them off. */
  close(peersGoFirstMs: number): Promise<void>
}

export async function serveStatements(path: string, pool: SqlPool): Promise<StatementServer> {
  const peers = new Set<Socket>()
  const server = createServer((socket) => {
    peers.add(socket)
    socket.on('close', () => peers.delete(socket))
    socket.on('error', () => socket.destroy())
    readFrames(socket, (request) => {
      const { id, text, values } = Request.parse(request)
      answer(socket, { id, text, values }, pool).catch(() => socket.destroy())
    })
  })
  // What a crashed owner left; the lock says that nobody living uses it.
  await unlink(path).catch(() => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  if (process.platform !== 'win32') await chmod(path, 0o600)
  return {
    async close(peersGoFirstMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const timer = setTimeout(() => peers.forEach((socket) => socket.destroy()), peersGoFirstMs)
      await closed
      clearTimeout(timer)
    },
  }
}

async function answer(socket: Socket, { id, text, values }: Request, pool: SqlPool): Promise<void> {
  let reply: Reply
  try {
    const { rows, rowCount } = await pool.query(text, values)
    reply = { id, kind: 'result', result: { rows, rowCount: rowCount ?? null } }
  } catch (error) {
    reply = {
      id,
      kind: 'error',
      message: messageOf(error),
      code: (error as { code?: string }).code,
    }
  }
  if (socket.writable) socket.write(frame(reply))
}

export interface RemotePool extends SqlPool {
  close(): void
}

/** A pool whose statements run in the owner's process. */
export async function joinStatements(path: string): Promise<RemotePool> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect(path, () => resolve(opening))
    opening.once('error', reject)
  })
  const waiting = new Map<
    number,
    { resolve(result: SqlResult): void; reject(error: Error): void }
  >()
  let nextId = 1
  const failAll = () => {
    for (const { reject } of waiting.values()) {
      reject(
        new ServiceError(
          'the process that owns the embedded queue has ended: run the command again',
        ),
      )
    }
    waiting.clear()
  }
  socket.on('error', () => socket.destroy())
  socket.on('close', failAll)
  readFrames(socket, (message) => {
    const reply = message as Reply
    const caller = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (reply.kind === 'result') caller?.resolve(reply.result)
    else caller?.reject(Object.assign(new Error(reply.message), { code: reply.code }))
  })

  return {
    query(text, values) {
      const id = nextId++
      return new Promise<SqlResult>((resolve, reject) => {
        if (!socket.writable) {
          reject(new ServiceError('the embedded queue is closed'))
          return
        }
        const timer = setTimeout(() => {
          waiting.delete(id)
          reject(
            new ServiceError(`the embedded queue did not answer within ${STATEMENT_TIMEOUT_MS} ms`),
          )
        }, STATEMENT_TIMEOUT_MS)
        const settled =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            clearTimeout(timer)
            then(value)
          }
        waiting.set(id, { resolve: settled(resolve), reject: settled(reject) })
        socket.write(frame({ id, text, values } satisfies Request))
      })
    },
    close: () => socket.destroy(),
  }
}

function frame(message: Request | Reply): Buffer {
  const body = serialize(message)
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** Whoever sends something else than our frames is cut off. */
function readFrames(socket: Socket, onMessage: (message: unknown) => void): void {
  let pending: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    try {
      for (let end = frameEnd(pending); end <= pending.length; end = frameEnd(pending)) {
        onMessage(deserialize(pending.subarray(FRAME_HEAD_BYTES, end)))
        pending = pending.subarray(end)
      }
    } catch {
      socket.destroy()
    }
  })
}

const FRAME_HEAD_BYTES = 4

/** Where the first frame ends; past the end of what is there when it is not complete. */
function frameEnd(bytes: Buffer): number {
  if (bytes.length < FRAME_HEAD_BYTES) return Infinity
  const end = FRAME_HEAD_BYTES + bytes.readUInt32BE()
  if (end > FRAME_BYTES_MAX) throw new Error('a frame is too large')
  return end
}
