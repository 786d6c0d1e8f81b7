/** A Redis of the benchmark's own: empty, on a free port, without persistence, gone afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Redis } from 'ioredis'

export interface RedisServer extends AsyncDisposable {
  url: string
  /** Bytes of Redis' own count, now and at most since its start. */
  memory(): Promise<{ usedBytes: number; peakBytes: number }>
  /** Seconds of the processor that the server has used so far. */
  cpuSeconds(): Promise<number>
}

const CONNECT_EVERY_MS = 50

export async function startRedis(dir: string): Promise<RedisServer> {
  const port = await freePort()
  const args = ['--port', String(port), '--save', '', '--appendonly', 'no', '--dir', dir]
  const server = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const failed = once(server, 'error').then(([error]) => Promise.reject(error as Error))
  await Promise.race([once(server, 'spawn'), failed])
  const redis = new Redis({ port, retryStrategy: () => CONNECT_EVERY_MS })
  redis.on('error', () => undefined)
  await redis.ping()
  const numbersOf = async (section: string) => {
    const text = await redis.info(section)
    return (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1])
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async memory() {
      const number = await numbersOf('memory')
      return { usedBytes: number('used_memory'), peakBytes: number('used_memory_peak') }
    },
    async cpuSeconds() {
      const number = await numbersOf('cpu')
      return number('used_cpu_user') + number('used_cpu_sys')
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect()
      const exit = once(server, 'exit')
      server.kill()
      await exit
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
