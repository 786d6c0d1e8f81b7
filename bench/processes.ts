/** Starts servers and subjects, each in a process of its own, and watches how large a subject becomes. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SUBJECTS, type Figures, type SubjectName, type Task } from './task.ts'

const SUBJECT_TIMEOUT_MS = 10 * 60_000
/** A process that runs out of memory leaves no figures, so its size is looked at from outside. */
const LOOK_EVERY_MS = 50
const STDERR_CHARS_MAX = 20_000

export interface RunningServer extends AsyncDisposable {
  url: string
}

export async function startServer(name: 'picture-server' | 'sink'): Promise<RunningServer> {
  const child = fork(scriptOf(name))
  const [url] = (await once(child, 'message')) as [string]
  return {
    url,
    async [Symbol.asyncDispose]() {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}

export type Measured =
  | (Figures & { causeOfDeath: undefined })
  | { peakRssBytes: number; causeOfDeath: string }

export async function runSubject(
  name: SubjectName,
  task: Omit<Task, 'workDir' | 'withLookUps'>,
): Promise<Measured> {
  const { script, withLookUps } = SUBJECTS[name]
  const workDir = await mkdtemp(join(tmpdir(), 'renderq-bench-'))
  try {
    return await watch(
      fork(scriptOf(script), [JSON.stringify({ ...task, withLookUps, workDir } satisfies Task)], {
        env: environmentFor(task),
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
        timeout: SUBJECT_TIMEOUT_MS,
      }),
    )
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

const scriptOf = (name: string): string => join(import.meta.dirname, `${name}.js`)

/** The AWS SDK is told where to go the way its users tell it. */
function environmentFor({ sinkUrl }: Pick<Task, 'sinkUrl'>): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AWS_ENDPOINT_URL: sinkUrl,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
}

async function watch(child: ChildProcess): Promise<Measured> {
  let figures: Figures | undefined
  let stderr = ''
  let seenRssBytes = 0
  const timer = setInterval(() => {
    seenRssBytes = Math.max(seenRssBytes, peakRssOf(child.pid))
  }, LOOK_EVERY_MS)
  child.stderr?.on('data', (text: Buffer) => {
    stderr = (stderr + String(text)).slice(-STDERR_CHARS_MAX)
  })
  child.on('message', (message) => (figures = message as Figures))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearInterval(timer)
  if (code === 0 && figures !== undefined) return { ...figures, causeOfDeath: undefined }
  return { peakRssBytes: seenRssBytes, causeOfDeath: causeIn(stderr, signal ?? `exit ${code}`) }
}

/** The kernel's own high-water mark; 0 where there is no /proc, or the process is over. */
function peakRssOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024
  } catch {
    return 0
  }
}

/** V8 says why it gives up in the middle of a long report. */
function causeIn(stderr: string, ending: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const telling =
    /(heap out of memory|Cannot create a string longer.*)/.exec(stderr)?.[1] ??
    lines.find((line) => /\w*Error\b.*:/.test(line)) ??
    lines.at(-1)
  return `${ending}: ${telling?.trim().slice(0, 160) ?? 'without a word'}`
}
