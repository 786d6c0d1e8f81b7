/**
 * `npm run build`, then `node dist-bench/bench/manifest.js [--rows 1000000]`: what it takes to check a large
 * manifest, and to check, price and start it, on a Redis of its own and a folder store. Wall time is also the
 * machine's business, CPU time the program's alone.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { CommandFigures } from './manifest-figures.ts'
import { PROMPT, writeManifest } from './manifest-rows.ts'
import { startCommand } from './measured-command.ts'
import { startRedis } from './redis-server.ts'

const MB = 1_000_000
const COMMANDS = ['validate', 'enqueue'] as const

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    cli: { type: 'string', default: join(import.meta.dirname, '../../dist/cli.js') },
    /** Options of Node for the measured process, e.g. --cpu-prof. */
    node: { type: 'string', multiple: true, default: [] },
  },
})
const { cli, node } = values
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
  await using redis = await startRedis(workDir)
  for (const command of COMMANDS) {
    const args = [command, manifest, ...flagsOf(command, redis.url)]
    const { figures } = await startCommand(args, { cli, node, env: {} }).ended
    report(command, figures)
  }
  const { usedBytes } = await redis.memory()
  console.log(`redis        ${(usedBytes / MB).toFixed(1)} MB in use afterwards`)
} finally {
  await rm(workDir, { recursive: true, force: true })
}

function flagsOf(command: (typeof COMMANDS)[number], queueUrl: string): string[] {
  const manifest = ['--map', 'id=SKU', '--prompt', PROMPT, '--state-dir', join(workDir, 'state')]
  if (command === 'validate') return manifest
  return [...manifest, '--queue-url', queueUrl, '--storage-url', `file:${join(workDir, 'store')}`]
}

function report(command: string, { seconds, cpuSeconds, peakRssBytes }: CommandFigures): void {
  const rate = (time: number) => Math.round(rowCount / time).toLocaleString('en')
  console.log(
    `${command.padEnd(12)} ${seconds.toFixed(1)} s, ${rate(seconds)} rows/s · CPU ${cpuSeconds.toFixed(1)} s, ` +
      `${rate(cpuSeconds)} rows per CPU second · peak ${(peakRssBytes / MB).toFixed(0)} MB`,
  )
}
