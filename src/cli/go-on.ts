/** The command that goes on, ready to be copied: every early end prints one. */

import { basename, dirname } from 'node:path'
import type { RunState } from '../queue/ledger.ts'

/** As a shell finds it: on its path where it was installed for all, else through npx. */
const PROGRAM = programOf(process.argv[1] ?? '')

export function programOf(started: string): string {
  const isOnPath = basename(started) === 'renderq' && basename(dirname(started)) !== '.bin'
  return isOnPath ? 'renderq' : 'npx renderq'
}

/** Settings that a command was given and the next one needs as well. */
const CARRIED_FLAGS = {
  queueUrl: '--queue-url',
  storageUrl: '--storage-url',
  stateDir: '--state-dir',
  namespace: '--namespace',
} as const

export type CarriedFlags = Partial<Record<keyof typeof CARRIED_FLAGS, string | undefined>>

/** Makes the command to be copied of its words. */
export type Next = (words: readonly string[]) => string

/** `npx renderq resume run_7k3fq8m2xd --namespace shop` */
export function nextCommand(words: readonly string[], flags: CarriedFlags): string {
  const names = Object.keys(CARRIED_FLAGS) as (keyof typeof CARRIED_FLAGS)[]
  const carried = names.flatMap((name) => {
    const value = flags[name]
    return value === undefined ? [] : [CARRIED_FLAGS[name], value]
  })
  const command = [...words, ...carried].map(forShell).join(' ')
  return `${PROGRAM} ${command}`
}

/** After rows were handed to whoever works on the queue. */
export const leftToWorkers = (run: string, flags: CarriedFlags): string[] => [
  `  a worker takes them; where none is running:  ${nextCommand(['worker'], flags)}`,
  `  watch     ${nextCommand(['status', run, '--watch'], flags)}`,
]

/** What there is to say where an unfinished run of the same work was found. */
export const underWay = (run: string, state: RunState | undefined, flags: CarriedFlags): string =>
  state === 'paused'
    ? `the same work is under way already, but paused: go on with  ${nextCommand(['unpause', run], flags)}`
    : `the same work is under way already: ${run} goes on`

/** The command that was given. */
export const sameCommand = (): string => nextCommand(process.argv.slice(2), {})

/** A word of a command, quoted where a shell would take it apart. */
export function forShell(word: string): string {
  const shown = withoutPassword(word)
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`
}

/** What is printed ends up in logs. */
const withoutPassword = (word: string): string =>
  word.replace(/(:\/\/[^/@\s]*?:)[^/@\s]+@/g, '$1***@')
