/** The command that goes on, ready to be copied: every early end prints one. */

/** Settings that a command was given and the next one needs as well. */
const CARRIED_FLAGS = {
  queueUrl: '--queue-url',
  storageUrl: '--storage-url',
  stateDir: '--state-dir',
  namespace: '--namespace',
} as const

export type CarriedFlags = Partial<Record<keyof typeof CARRIED_FLAGS, string | undefined>>

/** `renderq resume run_7k3fq8m2xd --namespace shop` */
export function nextCommand(words: readonly string[], flags: CarriedFlags): string {
  const names = Object.keys(CARRIED_FLAGS) as (keyof typeof CARRIED_FLAGS)[]
  const carried = names.flatMap((name) => {
    const value = flags[name]
    return value === undefined ? [] : [CARRIED_FLAGS[name], value]
  })
  return ['renderq', ...words, ...carried].map(forShell).join(' ')
}

/** The command that was given. */
export const sameCommand = (): string => nextCommand(process.argv.slice(2), {})

function forShell(word: string): string {
  const shown = withoutPassword(word)
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`
}

/** What is printed ends up in logs. */
const withoutPassword = (word: string): string =>
  word.replace(/(:\/\/[^/@\s]*?:)[^/@\s]+@/g, '$1***@')
