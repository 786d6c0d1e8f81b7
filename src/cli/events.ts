/**
 * The JSON Lines of `run --json` and `status --watch --json`. Whatever prints one has its type from here, and what is
 * passed on from elsewhere must have each of its keys named here: an event that differs does not compile.
 */
import { z } from 'zod'
import type { ManifestProblem } from '../errors.ts'
import { OPERATIONS, RunId } from '../job.ts'
import type { Brake } from '../queue/ledger.ts'
import type { RenderCounts, RunTrouble } from '../queue/queue.ts'
import { REASON_MEANINGS, REASONS } from '../reason.ts'
import type { FailureGroup } from '../report/row-results.ts'
import { RunSummary } from '../report/run-summary.ts'

const Count = z.int().min(0)
/** All keys of a type, the optional ones too, and no other. */
type Shape<T> = Record<keyof T, z.ZodType>

const problem = {
  file: z.string().describe('The manifest, or the flag that is to blame.'),
  line: z.int().positive().optional().describe('One-based, where the first row with it begins.'),
  rows: Count.optional().describe('How many rows have it, when there are several.'),
  lines: z.array(z.int().positive()).readonly().optional().describe('Of the first of them.'),
  column: z.string().optional(),
  message: z.string(),
  suggestion: z.string().optional().describe('What was probably meant.'),
} satisfies Shape<ManifestProblem>

const queue = {
  waiting: Count.describe('Rows that a worker could take now.'),
  active: Count,
  delayed: Count.describe('Rows that wait for their next try.'),
} satisfies Shape<RenderCounts>

const brake = {
  code: z.string().describe('An error code.'),
  reason: z.string(),
  until: z.int().describe('Unix ms: calls are tried again then.'),
} satisfies Shape<Brake>

const trouble = {
  message: z.string().describe('The error of the last step.'),
  stepsFailed: Count.describe('One after the other.'),
  since: z.int().describe('Unix ms.'),
} satisfies Shape<RunTrouble>

const failure = {
  code: z.string().describe('An error code.'),
  rows: Count,
  ids: z.array(z.string()).describe('Of the first few rows.'),
  message: z.string().describe('Of the first row.'),
  isSameMessage: z.boolean().describe('All of them have that message.'),
  help: z.string().describe('What a person should do.'),
} satisfies Shape<FailureGroup>

const eventOf = <Type extends string>(type: Type) =>
  z.object({ v: z.literal(1), type: z.literal(type) })

const PlanEvent = eventOf('plan')
  .extend({
    manifest: z.string().describe('As the command names it.'),
    rowCount: Count,
    pictureCount: Count,
    byOperation: z.record(z.enum(OPERATIONS), Count).describe('Rows.'),
    costPlannedUsd: z
      .number()
      .nullable()
      .describe('Over the rows that have a price, as if none were stored; null when none has.'),
    unpricedRowCount: Count,
    warnings: z.array(z.string()),
  })
  .describe('The manifest was read and has no problem.')

const StartedEvent = eventOf('started')
  .extend({
    run: RunId,
    kind: z.enum(['opened', 'continued']),
    queue: z.string(),
    store: z.string(),
  })
  .describe('The run is on the queue.')

const ProgressEvent = eventOf('progress')
  .extend({
    ...RunSummary.shape,
    queue: z.object(queue).describe('All rows on the queue, of other runs too.'),
    previews: Count.optional().describe('Partial pictures that came to this process; of "run".'),
    brake: z
      .object(brake)
      .nullable()
      .optional()
      .describe('Why everyone is stopped, or null; of "status --watch".'),
    trouble: z
      .object(trouble)
      .nullable()
      .describe('Why the run does not move though it is tried again and again, or null.'),
  })
  .describe('How the run stands. "status --watch" ends with one that has finishedAt.')

const SummaryEvent = eventOf('summary')
  .extend({
    ...RunSummary.shape,
    reasons: z
      .record(z.enum(REASONS), Count)
      .describe(`Why rows were rendered, or not. ${REASON_MEANINGS}`),
    failures: z
      .array(z.object(failure))
      .describe('Rows without pictures by cause, the commonest first.'),
    picturesAt: z.string().describe('The folder that has them all.'),
  })
  .describe('What the run came to, the last event of "run".')

const ErrorEvent = eventOf('error')
  .extend({
    code: z.string().describe('An error code.'),
    message: z.string(),
    problems: z.array(z.object(problem)).readonly().optional().describe('Of a manifest.'),
  })
  .describe('The command failed; of every command with --json. Its exit code says the kind.')

export const Event = z.discriminatedUnion('type', [
  PlanEvent,
  StartedEvent,
  ProgressEvent,
  SummaryEvent,
  ErrorEvent,
])
export type Event = z.infer<typeof Event>
