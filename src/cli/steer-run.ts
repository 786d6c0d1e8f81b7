/** Pauses, unpauses or cancels a run, and says what that means for calls that were sent and rows that were not. */
import { loadConfig } from '../config.ts'
import { ConfigError, messageOf, RenderError, ServiceError } from '../errors.ts'
import type { RunState, Steering } from '../queue/ledger.ts'
import { cancelRun } from '../producer/cancel-run.ts'
import { findRun } from '../report/find-run.ts'
import type { RunSummary } from '../report/run-summary.ts'
import { count } from './count.ts'
import { nextCommand, type CarriedFlags } from './go-on.ts'
import { findingIn, openForLooking } from './looking.ts'

export interface SteerFlags extends CarriedFlags {
  json: boolean
}

interface Steered {
  run: string
  steering: Steering
  /** False when it was in that state already. */
  changed: boolean
  callsInFlight: number
  before: RunSummary
}

export async function steerRun(run: string, steering: Steering, flags: SteerFlags): Promise<void> {
  const config = loadConfig(flags)
  await using queue = await openForLooking(config, steering)
  await using found = await findRun(run, findingIn(queue, config))
  const before = found.summary
  if (found.books === undefined) throw lost(run, flags)
  if (before.finishedAt !== null) throw tooLate(before, steering)
  const after =
    steering === 'cancel'
      ? await cancelRun(found.run, { queue, store: found.store }).catch(notCancelled)
      : await queue.ledger.steer(found.run, steering)
  if (after !== WANTED[steering]) throw tooLate(before, steering)
  const changed = before.state !== after
  const { calling, answered } = await queue.ledger.rowsInFlight(found.run)
  const callsInFlight = calling.length + answered.length
  const goOn = nextCommand(goingOn(found.run, steering), flags)
  if (flags.json) {
    const { rows, left } = before
    console.log(
      JSON.stringify({
        v: 1,
        run: found.run,
        state: after,
        changed,
        rows,
        left,
        callsInFlight,
        goOn,
      }),
    )
    return
  }
  const steered = { run: found.run, steering, changed, callsInFlight, before }
  for (const line of formatSteered(steered, goOn)) console.log(line)
}

const WANTED: Readonly<Record<Steering, RunState>> = {
  pause: 'paused',
  unpause: 'running',
  cancel: 'cancelled',
}

function formatSteered(
  { run, steering, changed, callsInFlight, before }: Steered,
  goOn: string,
): string[] {
  const { rows, left } = before
  const done = `${rows - left} of ${count(rows, 'row')} done`
  const sent =
    callsInFlight === 0
      ? []
      : [`  ${count(callsInFlight, 'call')} sent already: what comes in is stored as usual`]
  const already = changed ? '' : ' already'
  switch (steering) {
    case 'pause':
      return [`${run} is paused${already}: ${done}, ${left} left`, ...sent, `  go on     ${goOn}`]
    case 'unpause':
      return [
        changed
          ? `${run} goes on: ${done}, ${left} left`
          : `${run} is running already: ${done}, ${left} left`,
        `  watch     ${goOn}`,
      ]
    case 'cancel':
      return [
        `${run} is cancelled${already}: ${done}, ${left} not`,
        ...sent,
        '  finished pictures stay where they are; a later run finds them and does not pay again',
        `  render the rest after all, as a new run:  ${goOn}`,
      ]
  }
}

function goingOn(run: string, steering: Steering): string[] {
  switch (steering) {
    case 'pause':
      return ['unpause', run]
    case 'unpause':
      return ['status', run, '--watch']
    case 'cancel':
      return ['retry', run]
  }
}

function notCancelled(cause: unknown): never {
  if (!(cause instanceof RenderError)) throw cause
  throw new ServiceError(
    `the store must know first, and can't be told: ${messageOf(cause)} - "pause" needs no store and stops the calls`,
    { cause },
  )
}

function tooLate({ run, state, finishedAt }: RunSummary, steering: Steering): ConfigError {
  const ended = finishedAt === null ? '' : ` since ${finishedAt.slice(0, 16).replace('T', ' ')} UTC`
  return new ConfigError(`${run} is ${state}${ended}: there is nothing to ${steering}`)
}

function lost(run: string, flags: CarriedFlags): ConfigError {
  const first = nextCommand(['resume', run], flags)
  return new ConfigError(
    `${run} is in the store, but the queue knows nothing of it, so nobody works on it: first "${first}"`,
  )
}
