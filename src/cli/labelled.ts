/** Facts under one another: labels in line, values beside them, what is not known left out. Pure. */
import { printable } from './printable.ts'

const INDENT = '  '

export function labelled(facts: readonly (readonly [string, string | undefined])[]): string[] {
  const known = facts.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...known.map(([label]) => label.length))
  return known.map(([label, value = '']) => `${INDENT}${label.padEnd(width)}  ${printable(value)}`)
}
