/**
 * The ledger on Redis. One hash, one bitmap (settled rows), one hash of open rows and one sorted set of
 * uncollected results per run; a million settled rows cost 125 kB. Every operation is one Lua script, so
 * it is atomic, and all keys share one hash tag, so it runs on a cluster.
 */
import type { Redis } from 'ioredis'
import type { RunId } from '../job.ts'
import { OUTCOMES } from '../outcome.ts'
import {
  FLIGHT_LEASE_MS,
  type Begin,
  type BeginOptions,
  type Brake,
  type Ledger,
  type ReleasedCall,
  type RowClaim,
  type RowResult,
  type RunBooks,
  type RunEntry,
  type RowsInFlight,
  type RunState,
  type Settled,
  type Settlement,
  type Steering,
} from './ledger.ts'
import { toMicroUsd } from './money.ts'

/** An open row is `epoch call unknownCalls calls`; a row that was never begun, or is settled, has none. */
const LUA_ROW = `
local NO_CALL, CALLING, ANSWERED = 0, 1, 2
local function readRow(key, row)
  local text = redis.call('HGET', key, row)
  if not text then return 0, 0, 0, 0 end
  local e, c, u, n = text:match('^(%d+) (%d+) (%d+) (%d+)$')
  return tonumber(e), tonumber(c), tonumber(u), tonumber(n)
end
local function writeRow(key, row, epoch, call, unknown, calls)
  redis.call('HSET', key, row, epoch .. ' ' .. call .. ' ' .. unknown .. ' ' .. calls)
end
local function nowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
`

const OPEN_RUN = `
local unfinished = redis.call('GET', KEYS[2])
if unfinished and unfinished ~= ARGV[1] then return {'continued', unfinished} end
if redis.call('HSETNX', KEYS[1], 'entry', ARGV[2]) == 1 then
  redis.call('HSET', KEYS[1], 'state', 'running')
  redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[1])
end
return {'opened', ARGV[1]}
`

const BEGIN = `${LUA_ROW}
local run, row, me, calling, unknownMax, lease = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local state = redis.call('HGET', KEYS[1], 'state')
if not state or redis.call('HEXISTS', KEYS[1], 'finishedAt') == 1 then return {'cancelled'} end
if redis.call('GETBIT', KEYS[2], row) == 1 then return {'done'} end
local epoch, call, unknown, calls = readRow(KEYS[3], row)
if calling == '1' and state == 'paused' then return {'paused'} end
if calling == '1' and state == 'cancelled' then
  if call == ANSWERED then return {'paused'} end
  if call == CALLING then
    redis.call('HINCRBY', KEYS[1], 'unknownCalls', 1)
    writeRow(KEYS[3], row, epoch, NO_CALL, unknown + 1, calls)
    if redis.call('GET', KEYS[4]) == me then redis.call('DEL', KEYS[4]) end
  end
  return {'cancelled'}
end
local flight = redis.call('GET', KEYS[4])
if flight and flight ~= me and calling == '1' then return {'busy'} end
if call == CALLING and calling == '1' then
  unknown = unknown + 1
  redis.call('HINCRBY', KEYS[1], 'unknownCalls', 1)
end
if calling == '1' and unknown >= unknownMax then
  writeRow(KEYS[3], row, epoch, NO_CALL, unknown, calls)
  if flight == me then redis.call('DEL', KEYS[4]) end
  return {'held', calls, unknown}
end
epoch, call = epoch + 1, ANSWERED
if calling == '1' then
  call, calls = CALLING, calls + 1
  redis.call('HINCRBY', KEYS[1], 'calls', 1)
  redis.call('SET', KEYS[4], me, 'PX', lease)
end
writeRow(KEYS[3], row, epoch, call, unknown, calls)
return {'go', epoch, calls, unknown}
`

const RELEASE = `${LUA_ROW}
local row, epoch, fate, me = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local current, call, unknown, calls = readRow(KEYS[2], row)
if current ~= epoch or redis.call('GETBIT', KEYS[4], row) == 1 then return 0 end
if call == CALLING then
  if fate == 'not-sent' then
    calls = calls - 1
    redis.call('HINCRBY', KEYS[1], 'calls', -1)
  elseif fate == 'presumed-paid' then
    unknown = unknown + 1
    redis.call('HINCRBY', KEYS[1], 'unknownCalls', 1)
  end
end
if redis.call('GET', KEYS[3]) == me then redis.call('DEL', KEYS[3]) end
writeRow(KEYS[2], row, epoch, fate == 'answered' and ANSWERED or NO_CALL, unknown, calls)
return 1
`

const SETTLE = `${LUA_ROW}
local row, epoch, fate, me = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local outcome, pictures, cost, result = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if redis.call('HEXISTS', KEYS[1], 'entry') == 0 or redis.call('HEXISTS', KEYS[1], 'finishedAt') == 1 then return 'already' end
local function endFlight()
  if redis.call('GET', KEYS[3]) == me then redis.call('DEL', KEYS[3]) end
end
if redis.call('GETBIT', KEYS[4], row) == 1 then endFlight() return 'already' end
local current, call = readRow(KEYS[2], row)
if epoch ~= '' and tonumber(epoch) ~= current then return 'stale' end
redis.call('SETBIT', KEYS[4], row, 1)
if call == CALLING then
  if fate == 'not-sent' and epoch ~= '' then
    redis.call('HINCRBY', KEYS[1], 'calls', -1)
  elseif fate ~= 'unpaid' then
    redis.call('HINCRBY', KEYS[1], 'unknownCalls', 1)
  end
end
endFlight()
redis.call('HDEL', KEYS[2], row)
redis.call('HINCRBY', KEYS[1], outcome, 1)
redis.call('HINCRBY', KEYS[1], 'pictures', pictures)
redis.call('HINCRBY', KEYS[1], 'costMicroUsd', cost)
redis.call('ZADD', KEYS[5], row, result)
return 'settled'
`

const STEER = `
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return false end
local changes = {
  pause = { running = 'paused' },
  unpause = { paused = 'running' },
  cancel = { running = 'cancelled', paused = 'cancelled' },
}
local changed = changes[ARGV[1]][state]
if not changed then return state end
redis.call('HSET', KEYS[1], 'state', changed)
if changed == 'cancelled' and redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
return changed
`

const GIVE_UP_ANSWERS = `${LUA_ROW}
for _, row in ipairs(redis.call('HKEYS', KEYS[2])) do
  local epoch, call, unknown, calls = readRow(KEYS[2], row)
  if call == ANSWERED then
    redis.call('HINCRBY', KEYS[1], 'unknownCalls', 1)
    writeRow(KEYS[2], row, epoch, NO_CALL, unknown + 1, calls)
  end
end
`

/** Behind the part's number: six values a row. Nobody will hear of a call for a row that has an outcome by now. */
const BOOK_PART = `${LUA_ROW}
if redis.call('HEXISTS', KEYS[1], 'entry') == 0 or redis.call('HEXISTS', KEYS[1], 'finishedAt') == 1 then return 0 end
local part = redis.call('HGET', KEYS[1], 'resultParts') or '0'
if part ~= ARGV[1] then return 0 end
for at = 2, #ARGV, 6 do
  local row = ARGV[at]
  if redis.call('SETBIT', KEYS[2], row, 1) == 0 then
    local _, call = readRow(KEYS[3], row)
    if call == CALLING then redis.call('HINCRBY', KEYS[1], 'unknownCalls', 1) end
    redis.call('HDEL', KEYS[3], row)
    redis.call('HINCRBY', KEYS[1], ARGV[at + 1], 1)
    redis.call('HINCRBY', KEYS[1], 'pictures', ARGV[at + 2])
    redis.call('HINCRBY', KEYS[1], 'costMicroUsd', ARGV[at + 3])
    redis.call('HINCRBY', KEYS[1], 'calls', ARGV[at + 4])
    redis.call('HINCRBY', KEYS[1], 'unknownCalls', ARGV[at + 5])
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[4], row, row)
end
redis.call('HINCRBY', KEYS[1], 'resultParts', 1)
return 1
`

const FINISH_RUN = `
local state = redis.call('HGET', KEYS[1], 'state')
if not state or redis.call('HEXISTS', KEYS[1], 'finishedAt') == 1 then return 0 end
if state == 'cancelled' then
  local left = cjson.decode(redis.call('HGET', KEYS[1], 'entry')).rowCount
  for at = 4, #ARGV do left = left - tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or '0') end
  redis.call('HINCRBY', KEYS[1], 'cancelled', left)
else
  redis.call('HSET', KEYS[1], 'state', 'finished')
end
redis.call('HSET', KEYS[1], 'finishedAt', ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('DEL', KEYS[3])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[4], ARGV[3])
return 1
`

/** A finished run is looked up in the store; its books here only serve `status` for a while. */
const FINISHED_RUN_KEPT_SECONDS = 30 * 86_400

export class RedisLedger implements Ledger {
  readonly #redis: Redis
  readonly #prefix: string

  constructor(redis: Redis, namespace: string) {
    this.#redis = redis
    this.#prefix = `{${namespace}}:ledger`
  }

  async openRun(entry: RunEntry): ReturnType<Ledger['openRun']> {
    const keys = [this.#runKey(entry.run), this.#digestKey(entry.digest), `${this.#prefix}:runs`]
    const [kind, run] = (await this.#run(OPEN_RUN, keys, [
      entry.run,
      JSON.stringify(entry),
      entry.enteredAt,
    ])) as ['opened' | 'continued', RunId]
    return { kind, run }
  }

  async findUnfinished(digest: string): Promise<RunId | undefined> {
    return (await this.#redis.get(this.#digestKey(digest))) ?? undefined
  }

  async books(run: RunId): Promise<RunBooks | undefined> {
    return toBooks(await this.#redis.hgetall(this.#runKey(run)))
  }

  async latestRuns(countMax: number): Promise<RunBooks[]> {
    const runs = await this.#redis.zrevrange(`${this.#prefix}:runs`, 0, countMax - 1)
    const books = await Promise.all(runs.map((run) => this.books(run)))
    return books.filter((run) => run !== undefined)
  }

  async steer(run: RunId, steering: Steering): Promise<RunState | undefined> {
    const books = await this.books(run)
    if (books === undefined) return undefined
    const keys = [this.#runKey(run), this.#digestKey(books.digest)]
    return ((await this.#run(STEER, keys, [steering, run])) as RunState | null) ?? undefined
  }

  async rowsInFlight(run: RunId): Promise<RowsInFlight> {
    const open = Object.entries(await this.#redis.hgetall(this.#rowsKey(run)))
    const rowsWith = (call: '1' | '2') =>
      open
        .flatMap(([row, page]) => (page.split(' ')[1] === call ? [Number(row)] : []))
        .toSorted(byNumber)
    return { calling: rowsWith('1'), answered: rowsWith('2') }
  }

  async giveUpAnswers(run: RunId): Promise<void> {
    await this.#run(GIVE_UP_ANSWERS, [this.#runKey(run), this.#rowsKey(run)], [])
  }

  async bookPart(run: RunId, part: number, results: readonly RowResult[]): Promise<boolean> {
    const keys = [
      this.#runKey(run),
      this.#settledKey(run),
      this.#rowsKey(run),
      this.#resultsKey(run),
    ]
    const rows = results.flatMap(({ row, outcome, keys, costUsd, calls, unknownCalls }) => [
      row,
      outcome,
      outcome === 'succeeded' ? keys.length : 0,
      toMicroUsd(costUsd),
      calls,
      unknownCalls,
    ])
    return (await this.#run(BOOK_PART, keys, [part, ...rows])) === 1
  }

  async begin({ run, row, fingerprint }: RowClaim, options: BeginOptions): Promise<Begin> {
    const keys = [
      this.#runKey(run),
      this.#settledKey(run),
      this.#rowsKey(run),
      this.#flightKey(fingerprint),
    ]
    const [kind, ...numbers] = (await this.#run(BEGIN, keys, [
      run,
      row,
      `${run}.${row}`,
      options.calling ? 1 : 0,
      options.unknownCallsMax,
      FLIGHT_LEASE_MS,
    ])) as [Begin['kind'], ...number[]]
    const [first = 0, second = 0, third = 0] = numbers
    if (kind === 'go') return { kind, epoch: first, calls: second, unknownCalls: third }
    if (kind === 'held') return { kind, calls: first, unknownCalls: second }
    return { kind }
  }

  async release(claim: RowClaim, epoch: number, call: ReleasedCall): Promise<boolean> {
    const { run, row, fingerprint } = claim
    const keys = [
      this.#runKey(run),
      this.#rowsKey(run),
      this.#flightKey(fingerprint),
      this.#settledKey(run),
    ]
    return (await this.#run(RELEASE, keys, [row, epoch, call, `${run}.${row}`])) === 1
  }

  async settle(claim: RowClaim, { epoch, callFate, result }: Settlement): Promise<Settled> {
    const { run, row, fingerprint } = claim
    const keys = [
      this.#runKey(run),
      this.#rowsKey(run),
      this.#flightKey(fingerprint),
      this.#settledKey(run),
      this.#resultsKey(run),
    ]
    return (await this.#run(SETTLE, keys, [
      row,
      epoch ?? '',
      callFate,
      `${run}.${row}`,
      result.outcome,
      result.outcome === 'succeeded' ? result.keys.length : 0,
      toMicroUsd(result.costUsd),
      JSON.stringify(result),
    ])) as Settled
  }

  async unsettledRows(run: RunId, firstRow: number, rowCount: number): Promise<number[]> {
    const firstByte = Math.floor(firstRow / 8)
    const lastByte = Math.floor((firstRow + rowCount - 1) / 8)
    const bits = await this.#redis.getrangeBuffer(this.#settledKey(run), firstByte, lastByte)
    return Array.from({ length: rowCount }, (_, index) => firstRow + index).filter((row) => {
      const byte = bits[Math.floor(row / 8) - firstByte] ?? 0
      return (byte & (0x80 >> (row % 8))) === 0
    })
  }

  async uncollected(run: RunId, countMax: number): Promise<RowResult[]> {
    const lines = await this.#redis.zrange(this.#resultsKey(run), '0', String(countMax - 1))
    return lines.map((line) => JSON.parse(line) as RowResult)
  }

  async finishRun(run: RunId, finishedAt: number): Promise<void> {
    const books = await this.books(run)
    if (books === undefined) return
    const keys = [
      this.#runKey(run),
      this.#digestKey(books.digest),
      this.#rowsKey(run),
      this.#settledKey(run),
    ]
    await this.#run(FINISH_RUN, keys, [run, finishedAt, FINISHED_RUN_KEPT_SECONDS, ...OUTCOMES])
  }

  async setBrake(brake: Brake): Promise<void> {
    await this.#redis.set(`${this.#prefix}:brake`, JSON.stringify(brake), 'PXAT', brake.until)
  }

  async clearBrake(): Promise<void> {
    await this.#redis.del(`${this.#prefix}:brake`)
  }

  async brake(): Promise<Brake | undefined> {
    const text = await this.#redis.get(`${this.#prefix}:brake`)
    return text === null ? undefined : (JSON.parse(text) as Brake)
  }

  /** EVAL by the script's text: Redis caches it by digest, and a restarted server needs no reloading. */
  #run(
    script: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.#redis.eval(script, keys.length, ...keys, ...args)
  }

  #runKey(run: RunId): string {
    return `${this.#prefix}:run:${run}`
  }
  /** Bitmap by row ordinal: has an outcome. */
  #settledKey(run: RunId): string {
    return `${this.#prefix}:run:${run}:settled`
  }
  /** Hash of rows that were begun and have no outcome; as long as the queue is short, so is this. */
  #rowsKey(run: RunId): string {
    return `${this.#prefix}:run:${run}:rows`
  }
  /** Sorted by row. */
  #resultsKey(run: RunId): string {
    return `${this.#prefix}:run:${run}:results`
  }
  #flightKey(fingerprint: string): string {
    return `${this.#prefix}:flight:${fingerprint}`
  }
  #digestKey(digest: string): string {
    return `${this.#prefix}:unfinished:${digest}`
  }
}

const byNumber = (one: number, other: number) => one - other

function toBooks(hash: Record<string, string>): RunBooks | undefined {
  if (hash['entry'] === undefined) return undefined
  const count = (name: string) => Number(hash[name] ?? 0)
  const outcomes = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, count(outcome)]),
  ) as RunBooks['outcomes']
  return {
    ...(JSON.parse(hash['entry']) as RunEntry),
    state: hash['state'] as RunBooks['state'],
    ...(hash['finishedAt'] === undefined ? {} : { finishedAt: count('finishedAt') }),
    outcomes,
    settled: Object.values(outcomes).reduce((sum, rows) => sum + rows, 0),
    pictures: count('pictures'),
    calls: count('calls'),
    unknownCalls: count('unknownCalls'),
    costMicroUsd: count('costMicroUsd'),
    resultParts: count('resultParts'),
  }
}
