/**
 * `npm run bench:runs [-- --rows 100000]`: a whole run, from `enqueue` to `_SUCCESS`, through a Redis of its own and
 * by worker processes as in real life. Only the API is a stand-in, which answers at once with a small picture; so what
 * is left is queue, ledger, spool, store and report. With `--dir` in memory (/dev/shm), the disk is left out as well.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Ledger } from '../src/queue/ledger.ts'
import { openQueue } from '../src/queue/open-queue.ts'
import type { CommandFigures } from './manifest-figures.ts'
import { PROMPT, writeManifest } from './manifest-rows.ts'
import { startCommand, type CommandOptions } from './measured-command.ts'
import { startServer } from './processes.ts'
import { startRedis, type RedisServer } from './redis-server.ts'

const MB = 1_000_000
const PICTURE_BYTES = 4_096
const LOOK_EVERY_MS = 200
/** A run that stands still for so long has met a bug. */
const STILL_MAX_MS = 60_000
const RUN_FILES = ['results.jsonl', 'results.csv', 'report.html'] as const

const options = readOptions()
const workDir = await mkdtemp(join(options.dir, 'renderq-bench-'))
try {
  await using redis = await startRedis(workDir)
  await using pictureServer = await startServer('picture-server')
  await measureRun(redis, `${pictureServer.url}/${PICTURE_BYTES}/v1`)
} finally {
  await rm(workDir, { recursive: true, force: true })
}

async function measureRun(redis: RedisServer, apiUrl: string): Promise<void> {
  const manifest = join(workDir, 'catalog.csv')
  const store = join(workDir, 'store')
  await writeManifest(manifest, options.rows)
  const idle = await redis.memory()
  const env = {
    QUEUE_URL: redis.url,
    STORAGE_URL: `file:${store}`,
    OPENAI_BASE_URL: apiUrl,
    OPENAI_API_KEY: 'any',
    RENDERQ_CONCURRENCY: String(options.concurrency),
    RENDERQ_LOG_LEVEL: 'warn',
  }
  const commandFor = (name: string, node: readonly string[] = []): CommandOptions => ({
    cli: options.cli,
    env: { ...env, RENDERQ_STATE_DIR: join(workDir, name) },
    node,
  })
  const enqueue = ['enqueue', manifest, '--map', 'id=SKU', '--prompt', PROMPT]
  const enqueued = await startCommand(enqueue, commandFor('enqueue')).ended
  const run = enqueued.stdout.trim()

  const names = Array.from({ length: options.workers }, (_, index) => `worker-${index + 1}`)
  for (const name of names) await mkdir(join(workDir, name))
  const workers = names.map((name) => startCommand(['worker'], commandFor(name, options.node)))
  const times = await watchRun(run, redis)
  for (const worker of workers) worker.stop()
  const ended = await Promise.all(workers.map((worker) => worker.ended))

  print({
    enqueueSeconds: enqueued.figures.seconds,
    ...times,
    idleBytes: idle.usedBytes,
    ...(await redis.memory()),
    redisCpuSeconds: await redis.cpuSeconds(),
    workers: ended.map(({ figures }) => figures),
    files: await sizesOf(join(store, '_runs', run)),
  })
}

interface Times {
  renderSeconds: number
  finishSeconds: number
  /** At most, as far as somebody looked. */
  queuedRows: number
}

/** From the first row that ended to the last one, and from there to the end of the run. */
async function watchRun(run: string, redis: RedisServer): Promise<Times> {
  const settings = { backend: 'redis', url: redis.url, namespace: 'renderq' } as const
  const trouble = (message: string) => process.stderr.write(`${message}\n`)
  await using queue = await openQueue(settings, {
    command: 'bench',
    works: false,
    onTrouble: trouble,
  })
  let queuedRows = 0
  const look = async () => {
    const { waiting, active, delayed } = await queue.renderCounts()
    queuedRows = Math.max(queuedRows, waiting + active + delayed)
    return booksOf(run, queue.ledger)
  }
  const first = await moved(look, ({ settled }) => settled > 0)
  const last = await moved(look, ({ settled, rowCount }) => settled === rowCount)
  const over = await moved(look, ({ finishedAt }) => finishedAt !== undefined)
  const { succeeded } = (await look()).outcomes
  if (succeeded !== options.rows) throw new Error(`only ${succeeded} rows succeeded`)
  return {
    renderSeconds: (last - first) / 1_000,
    finishSeconds: (over - last) / 1_000,
    queuedRows,
  }
}

type Books = NonNullable<Awaited<ReturnType<Ledger['books']>>>

async function booksOf(run: string, ledger: Ledger): Promise<Books> {
  const books = await ledger.books(run)
  if (books === undefined) throw new Error(`the ledger does not know ${run}`)
  return books
}

/** When it came to be so. The end of a run may take as long as it likes. */
async function moved(look: () => Promise<Books>, isSo: (books: Books) => boolean): Promise<number> {
  let settled = -1
  let movedAt = performance.now()
  for (;;) {
    const books = await look()
    const now = performance.now()
    if (isSo(books)) return now
    if (books.settled !== settled) [settled, movedAt] = [books.settled, now]
    const isFinishing = books.settled === books.rowCount
    if (!isFinishing && now - movedAt > STILL_MAX_MS)
      throw new Error(`the run stands still with ${settled} of ${books.rowCount} rows`)
    await sleep(LOOK_EVERY_MS)
  }
}

async function sizesOf(dir: string): Promise<Record<string, number>> {
  const sizes = RUN_FILES.map(async (name) => [name, (await stat(join(dir, name))).size] as const)
  return Object.fromEntries(await Promise.all(sizes))
}

interface Measured extends Times {
  enqueueSeconds: number
  idleBytes: number
  usedBytes: number
  peakBytes: number
  redisCpuSeconds: number
  workers: CommandFigures[]
  files: Record<string, number>
}

function print(measured: Measured): void {
  const { rows, workers: workerCount, concurrency, dir } = options
  const { renderSeconds, finishSeconds, workers, files, redisCpuSeconds } = measured
  const cpuSeconds = workers.reduce((sum, worker) => sum + worker.cpuSeconds, 0)
  const mb = (bytes: number) => `${(bytes / MB).toFixed(1)} MB`
  const perRow = (seconds: number) => `${((seconds * 1_000) / rows).toFixed(2)} ms`
  const sizes = Object.entries(files).map(([name, bytes]) => `${name} ${mb(bytes)}`)
  const today = new Date().toISOString().slice(0, 10)
  const machine = `${today} · Node ${process.version} · ${cpus().length} cores`
  const million = 1_000_000 / rows
  const lines = [
    `${machine} · ${rows.toLocaleString('en')} rows, ${workerCount} workers with ${concurrency} calls at once, files in ${dir}`,
    `enqueue    ${measured.enqueueSeconds.toFixed(1)} s`,
    `render     ${renderSeconds.toFixed(1)} s: ${(rows / renderSeconds).toFixed(0)} rows/s`,
    `finish     ${finishSeconds.toFixed(1)} s: ${sizes.join(', ')}`,
    `CPU        ${perRow(cpuSeconds)} per row in the workers, ${perRow(redisCpuSeconds)} in Redis`,
    `Redis      ${mb(measured.idleBytes)} empty, ${mb(measured.peakBytes)} at its peak, ${mb(measured.usedBytes)} afterwards; at most ${measured.queuedRows} rows on the queue`,
    `workers    ${workers.map(({ peakRssBytes }) => mb(peakRssBytes)).join(' and ')} at their peak`,
    `a million  ${minutes(renderSeconds * million)} to render at this rate, at most ${minutes(finishSeconds * million)} to finish`,
  ]
  console.log(lines.join('\n'))
}

function minutes(seconds: number): string {
  return `${(seconds / 60).toFixed(1)} minutes`
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '100000' },
      workers: { type: 'string', default: '2' },
      concurrency: { type: 'string', default: '16' },
      /** Where everything is written for the time being. */
      dir: { type: 'string', default: tmpdir() },
      cli: { type: 'string', default: join(import.meta.dirname, '../../dist/cli.js') },
      /** Options of Node for the workers, e.g. --cpu-prof. */
      node: { type: 'string', multiple: true, default: [] },
    },
  })
  const [rows, workers, concurrency] = [values.rows, values.workers, values.concurrency].map(
    Number,
  ) as [number, number, number]
  if (![rows, workers, concurrency].every((value) => Number.isInteger(value) && value > 0)) {
    throw new Error('use --rows <count>, --workers <count>, --concurrency <calls at once>')
  }
  return { ...values, rows, workers, concurrency }
}
