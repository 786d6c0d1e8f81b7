/** Why rows were rendered or reused, in one line. Pure. */
import type { Reason, ReasonCounts } from '../reason.ts'

const GROUPS: readonly (readonly [what: string, reasons: readonly Reason[]])[] = [
  ['rendered', ['new', 'changed', 'input-changed', 'forced']],
  ['not called', ['record-missing']],
  ['reused', ['unchanged', 'kept']],
]

/** `4 rendered: 3 changed, 1 new; 57 reused: unchanged`; undefined where there is nothing to say. */
export function formatReasons(counts: ReasonCounts): string | undefined {
  const groups = GROUPS.flatMap(([what, reasons]) => {
    const given = reasons.filter((reason) => counts[reason] > 0)
    const rows = given.reduce((sum, reason) => sum + counts[reason], 0)
    const [only] = given
    if (only === undefined) return []
    const why =
      given.length === 1 ? only : given.map((reason) => `${counts[reason]} ${reason}`).join(', ')
    return [`${rows} ${what}: ${why}`]
  })
  return groups.length === 0 ? undefined : groups.join('; ')
}
