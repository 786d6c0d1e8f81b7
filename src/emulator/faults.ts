/**
 * Scripted trouble. A rule says which calls it meets, how often, and what goes wrong (fault-kinds.ts); rules
 * come from a file or over the control plane, so they are parsed strictly.
 */
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { type Fault, FAULT_KINDS, FAULTS, isStreamFault } from './fault-kinds.ts'
import { type Operation, OPERATIONS } from './models.ts'

const FaultRuleSchema = z.strictObject({
  /** Everything given must hold; nothing given meets every call. */
  match: z
    .strictObject({
      operation: z.enum(OPERATIONS).optional(),
      model: z.string().min(1).optional(),
      promptIncludes: z.string().min(1).optional(),
      /** Ordinals of calls since the emulator started, from 1. */
      callNumbers: z.array(z.int().min(1)).min(1).optional(),
    })
    .default({}),
  /** How often the rule applies; absent: without end. */
  times: z.int().min(1).optional(),
  fault: z.discriminatedUnion('kind', FAULTS, {
    error: () => `needs a kind: one of ${FAULT_KINDS.join(', ')}`,
  }),
})
/** A rule as it is written, defaults left out. */
export type FaultRule = z.input<typeof FaultRuleSchema>
type ParsedRule = z.output<typeof FaultRuleSchema>

/** Refuses what is not a list of rules, naming each problem and its place. */
export function parseFaultRules(input: unknown): FaultRule[] {
  return parse(input)
}

function parse(input: unknown): ParsedRule[] {
  const parsed = z
    .array(FaultRuleSchema, { error: () => 'must be a list of rules' })
    .safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${['faults', ...path].join('.')}: ${message}`,
  )
  throw new ConfigError(`bad fault rules: ${problems.join('; ')}`)
}

interface CallToMatch {
  number: number
  operation: Operation
  model: string
  prompt: string
  isStream: boolean
}

/** The rules in force. The first that meets a call decides; a rule that is used up is gone. */
export class FaultBook {
  #rules: { rule: ParsedRule; left: number }[] = []

  /** Throws ConfigError and adds nothing when any rule is bad. */
  add(rules: unknown): void {
    this.#rules.push(...parse(rules).map((rule) => ({ rule, left: rule.times ?? Infinity })))
  }

  clear(): void {
    this.#rules = []
  }

  take(call: CallToMatch): Fault | undefined {
    const entry = this.#rules.find(({ rule }) => meets(rule, call))
    if (entry === undefined) return undefined
    entry.left -= 1
    if (entry.left === 0) this.#rules = this.#rules.filter((other) => other !== entry)
    return entry.rule.fault
  }
}

function meets({ match, fault }: ParsedRule, call: CallToMatch): boolean {
  return (
    (call.isStream || !isStreamFault(fault)) &&
    (match.operation === undefined || match.operation === call.operation) &&
    (match.model === undefined || match.model === call.model) &&
    (match.promptIncludes === undefined || call.prompt.includes(match.promptIncludes)) &&
    (match.callNumbers === undefined || match.callNumbers.includes(call.number))
  )
}
