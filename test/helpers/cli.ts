/** The built command line as real processes. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface Finished {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  readonly process: ChildProcess
  /** What was printed so far. */
  readonly stdout: string
  readonly stderr: string
  kill(signal: NodeJS.Signals): void
  readonly finished: Promise<Finished>
}

export interface CliOptions {
  cwd: string
  env?: Record<string, string>
  stdin?: string
}

/** Only what is given here is in the environment: no setting of the developer's reaches the test. */
export function startCli(args: readonly string[], { cwd, env = {}, stdin }: CliOptions): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, TMPDIR: process.env['TMPDIR'], ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  child.stdin.end(stdin ?? '')
  const finished = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output,
  }))
  return {
    process: child,
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    kill: (signal) => void child.kill(signal),
    finished,
  }
}

export function runCli(args: readonly string[], options: CliOptions): Promise<Finished> {
  return startCli(args, options).finished
}
