/** A schedule fires: its manifest becomes a run exactly as `enqueue` makes one, once per tick. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ConfigError, ManifestError, messageOf, RenderError } from '../errors.ts'
import { RunId } from '../job.ts'
import type { Logger } from '../logger.ts'
import type { Queue } from '../queue/queue.ts'
import type { Store } from '../storage/store.ts'
import { cancelRun } from './cancel-run.ts'
import { enqueuePlan, type RunTerms } from './enqueue.ts'
import { formatProblem, isFlag } from './format-problems.ts'
import type { Plan } from './plan.ts'
import { AppliedSchedule } from './schedule-apply.ts'
import type { Schedule, ScheduleSettings } from './schedule-file.ts'
import { openScheduledManifest } from './schedule-manifest.ts'
import { changeScheduleState, readScheduleState, type ScheduleState } from './schedule-state.ts'
import { formatTime, isTick, lastTick } from './schedule-times.ts'

/** A run that was claimed and is not in the ledger is being planned for so long; then it counts as lost. */
const PLANNING_MAX_MS = 30 * 60_000
const PROBLEMS_LOGGED_MAX = 20
const PROBLEMS_NOTED_MAX = 3

export interface ScheduleTools {
  queue: Queue
  store: Store
  logger: Logger
  /** Manifests that are files are read under this folder only. */
  root: string
  /** For copies of manifests that are objects. */
  workDir: string
  plan(manifest: string, settings: ScheduleSettings, run: RunId): Promise<Plan>
  termsOf(settings: ScheduleSettings): RunTerms
}

export interface Tick {
  run: RunId
  /** Unix ms. */
  dueAt: number
  byHand: boolean
  note: string | null
}

export type Fired = Pick<NonNullable<ScheduleState['last']>, 'outcome' | 'run' | 'note'> & {
  /** Of one that failed. */
  error?: Error
}

/**
 * Of the ticks that passed while nobody took any, the last one fires, if it is within its starting deadline. Rejects
 * only with what may be over soon: then the tick comes again.
 */
export async function fireTick(
  payload: unknown,
  firstDueAt: number,
  tools: ScheduleTools,
): Promise<void> {
  const applied = AppliedSchedule.safeParse(payload)
  if (!applied.success) {
    const problems = applied.error.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    )
    tools.logger.error(
      { problems },
      'a schedule on the queue is not of this version: apply it again',
    )
    return
  }
  const { id, paused, schedule } = applied.data
  if (paused || schedule.suspend || !isTick(schedule, firstDueAt)) return
  const now = Date.now()
  const { at: dueAt, missedCount } = lastTick(schedule, { dueAt: firstDueAt, now })
  const tick = { run: runOf(id, dueAt), dueAt, byHand: false, note: missedNote(missedCount) }
  const isLate = now - dueAt > schedule.startingDeadlineSeconds * 1_000
  if (isLate) await settle(schedule, tick, { skip: lateNote(schedule, tick), tools })
  else await fire(schedule, tick, tools)
}

/** Equal ticks of one schedule are one run, however often they are delivered. */
function runOf(id: string, dueAt: number): RunId {
  const digest = createHash('sha256').update(`${id}\t${dueAt}`).digest()
  const number = digest.readBigUInt64BE() % 36n ** 10n
  return RunId.parse(`run_${number.toString(36).padStart(10, '0')}`)
}

const missedNote = (missedCount: number): string | null =>
  missedCount === 0 ? null : `${missedCount} earlier ${plural(missedCount)} missed`
const plural = (count: number) => (count === 1 ? 'tick was' : 'ticks were')

function lateNote({ timeZone, startingDeadlineSeconds }: Schedule, { dueAt, note }: Tick): string {
  const missed = `missed: due ${formatTime(dueAt, timeZone)}, not taken within ${startingDeadlineSeconds} s`
  return note === null ? missed : `${missed}; ${note}`
}

/** Enters the run, unless the previous one is going and the policy forbids another. */
export async function fire(schedule: Schedule, tick: Tick, tools: ScheduleTools): Promise<Fired> {
  const { queue } = tools
  if ((await queue.ledger.books(tick.run)) !== undefined)
    return finishEntering(schedule, tick, tools)
  const going = await claim(schedule, tick, tools)
  const { concurrencyPolicy } = schedule
  if (going.length > 0 && concurrencyPolicy === 'forbid') {
    return settle(schedule, tick, { skip: `${going.join(', ')} is not over`, tools })
  }
  const note = concurrencyPolicy === 'replace' ? await replace(going, tools) : null
  return enter(schedule, { ...tick, note: joined(tick.note, note) }, tools)
}

/** One that is still being planned has lost its claim, and sees that for itself. Gives a note. */
async function replace(going: readonly RunId[], tools: ScheduleTools): Promise<string | null> {
  const notes: string[] = []
  for (const run of going) {
    const isEntered = (await tools.queue.ledger.books(run)) !== undefined
    const state = isEntered ? await cancelRun(run, tools) : undefined
    if (state === undefined) notes.push(`${run} was still being planned and is given up for it`)
    if (state === 'cancelled') notes.push(`${run} was cancelled for it`)
  }
  return joined(...notes)
}

/** An earlier delivery got as far as the ledger; what comes after may be missing. */
async function finishEntering(
  schedule: Schedule,
  tick: Tick,
  tools: ScheduleTools,
): Promise<Fired> {
  const { run, dueAt } = tick
  await tools.queue.addRun(run)
  const { last } = await readScheduleState(schedule.name, tools.store)
  const isKept = last !== null && Date.parse(last.dueAt) >= dueAt
  if (isKept) return { outcome: 'fired', run, note: null }
  return settle(schedule, tick, { entered: { kind: 'opened', run }, tools })
}

const joined = (...notes: (string | null)[]): string | null =>
  notes.filter((note) => note !== null).join('; ') || null

/**
 * Gives the schedule's runs that are going. Where that forbids another one, nothing is claimed; where that replaces
 * them, one that is still being planned loses its claim.
 */
async function claim(
  { name, concurrencyPolicy }: Schedule,
  { run }: Tick,
  { queue, store }: ScheduleTools,
): Promise<RunId[]> {
  const claimedAt = new Date().toISOString()
  for (;;) {
    const standings = new Map<RunId, Standing>()
    for (const each of (await readScheduleState(name, store)).runs) {
      standings.set(each.run, await standingOf(each, queue))
    }
    let going: RunId[] = []
    let isNew = false
    await changeScheduleState(name, store, (state) => {
      const others = state.runs.filter((each) => each.run !== run)
      const kept = others.filter((each) => standings.get(each.run) !== 'over')
      going = kept.map((each) => each.run)
      // Another worker has claimed one meanwhile: look again, it may be over as well.
      isNew = going.some((each) => !standings.has(each))
      const mayClaim = !isNew && (going.length === 0 || concurrencyPolicy !== 'forbid')
      if (!mayClaim) return { ...state, runs: kept }
      const beside =
        concurrencyPolicy === 'replace'
          ? kept.filter((each) => standings.get(each.run) === 'entered')
          : kept
      return { ...state, runs: [...beside, { run, claimedAt }] }
    })
    if (!isNew) return going
  }
}

type Standing = 'planned' | 'entered' | 'over'

async function standingOf(
  { run, claimedAt }: ScheduleState['runs'][number],
  { ledger }: Queue,
): Promise<Standing> {
  const books = await ledger.books(run)
  if (books !== undefined) return books.finishedAt === undefined ? 'entered' : 'over'
  return Date.now() - Date.parse(claimedAt) < PLANNING_MAX_MS ? 'planned' : 'over'
}

async function enter(schedule: Schedule, tick: Tick, tools: ScheduleTools): Promise<Fired> {
  const { manifest, settings, name } = schedule
  try {
    const workDir = join(tools.workDir, tick.run)
    await using source = await openScheduledManifest(manifest, { ...tools, workDir })
    await using plan = await tools.plan(source.path, settings, tick.run)
    for (const warning of plan.warnings) tools.logger.warn({ schedule: name }, warning)
    const replaced = { skip: 'a later tick took its place while it was being planned', tools }
    if (await isReplaced(schedule, tick, tools)) return await settle(schedule, tick, replaced)
    const terms = { ...tools.termsOf(settings), schedule: name }
    const { kind, run } = await enqueuePlan(plan, tools, terms)
    if (kind === 'opened' && (await isReplaced(schedule, tick, tools))) {
      // The later tick may have looked for it before it was there to be cancelled.
      await cancelRun(run, tools)
      return await settle(schedule, tick, replaced)
    }
    return await settle(schedule, tick, { entered: { kind, run }, tools })
  } catch (error) {
    if (!isLasting(error)) throw error
    return settle(schedule, tick, { error: named(error, manifest), tools })
  }
}

async function isReplaced(
  { name, concurrencyPolicy }: Schedule,
  { run }: Tick,
  { store }: ScheduleTools,
): Promise<boolean> {
  if (concurrencyPolicy !== 'replace') return false
  const { runs } = await readScheduleState(name, store)
  return !runs.some((claimed) => claimed.run === run)
}

/** Trying the same again would come to the same. */
const isLasting = (error: unknown): error is Error =>
  error instanceof ManifestError ||
  error instanceof ConfigError ||
  (error instanceof RenderError && error.advice.retry === 'never')

/** Problems of a copy are problems of what the schedule names. */
function named(error: Error, manifest: string): Error {
  if (!(error instanceof ManifestError)) return error
  const problems = error.problems.map((problem) =>
    isFlag(problem) ? problem : { ...problem, file: manifest },
  )
  return new ManifestError(problems, error.problemCount)
}

type End = { tools: ScheduleTools } & (
  | { entered: { kind: 'opened' | 'continued'; run: RunId } }
  | { skip: string }
  | { error: Error }
)

/** Says and keeps what became of the tick. */
async function settle(schedule: Schedule, tick: Tick, end: End): Promise<Fired> {
  const fired = firedOf(tick, end)
  say(schedule, fired, end)
  const { run, byHand } = tick
  const at = new Date().toISOString()
  const { outcome, note } = fired
  const dueAt = new Date(tick.dueAt).toISOString()
  const last = { dueAt, at, byHand, outcome, run: fired.run, note }
  const lastRun = fired.run === null ? {} : { lastRun: { run: fired.run, dueAt } }
  await changeScheduleState(schedule.name, end.tools.store, (state) => ({
    ...state,
    // A tick that was replaced ends after the one that took its place.
    ...(state.last !== null && state.last.dueAt > dueAt ? {} : { last, ...lastRun }),
    runs: state.runs.flatMap((claimed) => {
      if (claimed.run !== run) return [claimed]
      return fired.run === null ? [] : [{ ...claimed, run: fired.run }]
    }),
  }))
  return fired
}

function firedOf({ note }: Tick, end: End): Fired {
  if ('skip' in end) return { outcome: 'skipped', run: null, note: end.skip }
  if ('error' in end) {
    return { outcome: 'failed', run: null, note: summaryOf(end.error), error: end.error }
  }
  const { kind, run } = end.entered
  return { outcome: kind === 'opened' ? 'fired' : 'continued', run, note }
}

function summaryOf(error: Error): string {
  if (!(error instanceof ManifestError)) return error.message
  const shown = error.problems.slice(0, PROBLEMS_NOTED_MAX).map(formatProblem)
  const more = error.problemCount - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

function say({ name }: Schedule, { outcome, run, note, error }: Fired, { tools }: End): void {
  const facts = { schedule: name, ...(run !== null && { run }), ...(note !== null && { note }) }
  if (outcome === 'skipped') return tools.logger.warn(facts, 'the schedule skipped a tick')
  if (error === undefined) return tools.logger.info(facts, 'the schedule fired')
  const problems = error instanceof ManifestError ? error.problems.map(formatProblem) : []
  const shown = problems.slice(0, PROBLEMS_LOGGED_MAX)
  tools.logger.error(
    { schedule: name, problems: shown },
    `the schedule failed: ${messageOf(error)}`,
  )
}
