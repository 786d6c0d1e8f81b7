/**
 * `npm run build`, then `node dist-bench/bench/manifest.js [--rows 1000000]`: what it takes to check a large
 * manifest, and to check, price and start it, on a Redis of its own and a folder store. Wall time is also the
 * machine's business, CPU time the program's alone.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { CommandFigures } from './manifest-figures.ts'
import { PROMPT, writeManifest } from './manifest-rows.ts'

const MB = 1_000_000
const COMMANDS = ['validate', 'enqueue'] as const

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    only: { type: 'string' },
    cli: { type: 'string', default: join(import.meta.dirname, '../../dist/cli.js') },
    /** Options of Node for the measured process, e.g. --cpu-prof. */
    node: { type: 'string', multiple: true, default: [] },
  },
})
const rowCount = Number(values.rows)
if (!Number.isInteger(rowCount) || rowCount < 1) throw new Error('use --rows <count>')

const workDir = await mkdtemp(join(tmpdir(), 'renderq-bench-'))
try {
  const manifest = join(workDir, 'catalog.csv')
  await writeManifest(manifest, rowCount)
  const { size } = await stat(manifest)
  console.log(
    `${new Date().toISOString().slice(0, 10)} · Node ${process.version} · ${cpus().length} cores · ` +
      `${rowCount.toLocaleString('en')} rows, ${(size / MB).toFixed(0)} MB of CSV`,
  )
  await using redis = await startRedis()
  for (const command of COMMANDS) {
    if (values.only !== undefined && values.only !== command) continue
    report(command, await run([command, manifest, ...flagsOf(command, redis.url)]))
  }
  console.log(`redis        ${(await redis.usedBytes() / MB).toFixed(1)} MB in use afterwards`)
} finally {
  await rm(workDir, { recursive: true, force: true })
}

function flagsOf(command: (typeof COMMANDS)[number], queueUrl: string): string[] {
  const manifest = ['--map', 'id=SKU', '--prompt', PROMPT, '--state-dir', join(workDir, 'state')]
  if (command === 'validate') return manifest
  return [...manifest, '--queue-url', queueUrl, '--storage-url', `file:${join(workDir, 'store')}`]
}

async function run(args: readonly string[]): Promise<CommandFigures> {
  const measuring = pathToFileURL(join(import.meta.dirname, 'manifest-figures.js')).href
  const child = spawn(
    process.execPath,
    [...values.node, '--import', measuring, values.cli, ...args],
    { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] },
  )
  let text = ''
  child.stdio[3]?.on('data', (chunk: Buffer) => (text += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`)
  return JSON.parse(text) as CommandFigures
}

function report(command: string, { seconds, cpuSeconds, peakRssBytes }: CommandFigures): void {
  const rate = (time: number) => Math.round(rowCount / time).toLocaleString('en')
  console.log(
    `${command.padEnd(12)} ${seconds.toFixed(1)} s, ${rate(seconds)} rows/s · CPU ${cpuSeconds.toFixed(1)} s, ` +
      `${rate(cpuSeconds)} rows per CPU second · peak ${(peakRssBytes / MB).toFixed(0)} MB`,
  )
}

async function startRedis() {
  const port = await freePort()
  const args = ['--port', String(port), '--save', '', '--appendonly', 'no', '--dir', workDir]
  const server = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  await Promise.race([once(server, 'spawn'), once(server, 'error').then(([error]) => Promise.reject(error as Error))])
  await sleep(500)
  return {
    url: `redis://127.0.0.1:${port}`,
    async usedBytes(): Promise<number> {
      const info = spawn('redis-cli', ['-p', String(port), 'info', 'memory'])
      let text = ''
      for await (const chunk of info.stdout) text += String(chunk)
      return Number(/used_memory:(\d+)/.exec(text)?.[1] ?? Number.NaN)
    },
    async [Symbol.asyncDispose]() {
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
