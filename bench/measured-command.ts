/** The built command line as a process that tells at its end what it took. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CommandFigures } from './manifest-figures.ts'

export interface MeasuredCommand {
  /** Asks it to stop. */
  stop(): void
  /** Rejects when it failed; a stop by signal is no failure. */
  ended: Promise<{ stdout: string; figures: CommandFigures }>
}

export interface CommandOptions {
  cli: string
  env: NodeJS.ProcessEnv
  /** Options of Node, e.g. --cpu-prof. */
  node: readonly string[]
}

const STOPPED_BY_SIGTERM = 143

export function startCommand(
  args: readonly string[],
  { cli, env, node }: CommandOptions,
): MeasuredCommand {
  const measuring = pathToFileURL(join(import.meta.dirname, 'manifest-figures.js')).href
  const child = spawn(process.execPath, [...node, '--import', measuring, cli, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  let stdout = ''
  let figures = ''
  child.stdout?.on('data', (text: Buffer) => (stdout += String(text)))
  child.stdio[3]?.on('data', (text: Buffer) => (figures += String(text)))
  const ended = once(child, 'close').then(([code]) => {
    if (code !== 0 && code !== STOPPED_BY_SIGTERM) throw new Error(`${args[0]} ended with ${code}`)
    return { stdout, figures: JSON.parse(figures) as CommandFigures }
  })
  ended.catch(() => undefined)
  return { stop: () => void child.kill('SIGTERM'), ended }
}
