/**
 * The ledger on Postgres and PGlite: rows, and one function per operation, so that each is one statement.
 * That makes it atomic without a client-side transaction, which the embedded database could not isolate:
 * there all connections share one session.
 */
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
import type { SqlPool } from './sql-pool.ts'

/** Run in the schema that search_path names, once per opening; every statement may be repeated. */
export const LEDGER_SCHEMA = `
create table if not exists ledger_run (
  run text primary key,
  entry jsonb not null,
  digest text not null,
  state text not null default 'running',
  entered_at bigint not null,
  finished_at bigint,
  outcomes jsonb not null default '{}',
  pictures bigint not null default 0,
  calls bigint not null default 0,
  unknown_calls bigint not null default 0,
  cost_micro_usd bigint not null default 0,
  result_parts int not null default 0
);
drop index if exists ledger_run_unfinished;
create unique index if not exists ledger_run_open on ledger_run (digest) where state in ('running', 'paused');

create table if not exists ledger_row (
  run text not null,
  row_ordinal int not null,
  outcome text,
  epoch int not null default 0,
  calling boolean not null default false,
  unknown_calls int not null default 0,
  calls int not null default 0,
  primary key (run, row_ordinal)
);
alter table ledger_row add column if not exists answered boolean not null default false;

create table if not exists ledger_result (
  run text not null,
  row_ordinal int not null,
  body jsonb not null,
  primary key (run, row_ordinal)
);

create table if not exists ledger_flight (
  fingerprint text primary key,
  run text not null,
  row_ordinal int not null,
  until timestamptz not null
);

create table if not exists ledger_brake (
  one boolean primary key default true check (one),
  body jsonb not null,
  until timestamptz not null
);

create or replace function ledger_open_run(p_run text, p_entry jsonb, p_digest text, p_entered_at bigint)
returns text language plpgsql as $$
declare found text;
begin
  insert into ledger_run (run, entry, digest, entered_at)
    values (p_run, p_entry, p_digest, p_entered_at) on conflict do nothing;
  select run into found from ledger_run
    where run = p_run or (digest = p_digest and state in ('running', 'paused'))
    order by (run = p_run) desc limit 1;
  return found;
end $$;

create or replace function ledger_begin(
  p_run text, p_row int, p_fingerprint text, p_calling boolean, p_unknown_max int, p_lease_ms bigint
) returns jsonb language plpgsql as $$
declare r ledger_row; mine boolean; run_state text;
begin
  select state into run_state from ledger_run where run = p_run and finished_at is null;
  if run_state is null then return jsonb_build_object('kind', 'cancelled'); end if;
  insert into ledger_row (run, row_ordinal) values (p_run, p_row) on conflict do nothing;
  select * into r from ledger_row where run = p_run and row_ordinal = p_row for update;
  if r.outcome is not null then return jsonb_build_object('kind', 'done'); end if;
  if p_calling and run_state = 'paused' then return jsonb_build_object('kind', 'paused'); end if;
  if p_calling and run_state = 'cancelled' then
    if r.answered then return jsonb_build_object('kind', 'paused'); end if;
    if r.calling then
      update ledger_row set calling = false, unknown_calls = unknown_calls + 1 where run = p_run and row_ordinal = p_row;
      update ledger_run set unknown_calls = unknown_calls + 1 where run = p_run;
      delete from ledger_flight where fingerprint = p_fingerprint and run = p_run and row_ordinal = p_row;
    end if;
    return jsonb_build_object('kind', 'cancelled');
  end if;

  if p_calling then
    insert into ledger_flight as f values (p_fingerprint, p_run, p_row, now() + p_lease_ms * interval '1 ms')
      on conflict (fingerprint) do update set run = p_run, row_ordinal = p_row, until = excluded.until
      where f.until < now() or (f.run = p_run and f.row_ordinal = p_row)
      returning true into mine;
    if mine is null then return jsonb_build_object('kind', 'busy'); end if;
    if r.calling then
      r.unknown_calls := r.unknown_calls + 1;
      update ledger_run set unknown_calls = unknown_calls + 1 where run = p_run;
    end if;
    if r.unknown_calls >= p_unknown_max then
      update ledger_row set calling = false, answered = false, unknown_calls = r.unknown_calls
        where run = p_run and row_ordinal = p_row;
      delete from ledger_flight where fingerprint = p_fingerprint and run = p_run and row_ordinal = p_row;
      return jsonb_build_object('kind', 'held', 'calls', r.calls, 'unknownCalls', r.unknown_calls);
    end if;
    r.calls := r.calls + 1;
    update ledger_run set calls = calls + 1 where run = p_run;
  end if;

  update ledger_row
    set epoch = r.epoch + 1, calling = p_calling, answered = not p_calling, unknown_calls = r.unknown_calls, calls = r.calls
    where run = p_run and row_ordinal = p_row;
  return jsonb_build_object('kind', 'go', 'epoch', r.epoch + 1, 'calls', r.calls, 'unknownCalls', r.unknown_calls);
end $$;

create or replace function ledger_release(p_run text, p_row int, p_fingerprint text, p_epoch int, p_fate text)
returns boolean language plpgsql as $$
declare r ledger_row;
begin
  select * into r from ledger_row where run = p_run and row_ordinal = p_row for update;
  if r.epoch is distinct from p_epoch or r.outcome is not null then return false; end if;
  update ledger_row set
    calling = false,
    answered = (p_fate = 'answered'),
    calls = calls - (calling and p_fate = 'not-sent')::int,
    unknown_calls = unknown_calls + (calling and p_fate = 'presumed-paid')::int
    where run = p_run and row_ordinal = p_row;
  update ledger_run set
    calls = calls - (p_fate = 'not-sent')::int,
    unknown_calls = unknown_calls + (p_fate = 'presumed-paid')::int
    where run = p_run and r.calling and p_fate in ('not-sent', 'presumed-paid');
  delete from ledger_flight where fingerprint = p_fingerprint and run = p_run and row_ordinal = p_row;
  return true;
end $$;

create or replace function ledger_settle(
  p_run text, p_row int, p_fingerprint text, p_epoch int, p_fate text, p_pictures int, p_cost bigint, p_result jsonb
) returns text language plpgsql as $$
declare r ledger_row; sent_less int := 0; unknown_more int := 0; ended text;
begin
  if not exists (select 1 from ledger_run where run = p_run and finished_at is null) then
    return 'already';
  end if;
  insert into ledger_row (run, row_ordinal) values (p_run, p_row) on conflict do nothing;
  select * into r from ledger_row where run = p_run and row_ordinal = p_row for update;
  if r.outcome is not null then return 'already'; end if;
  if p_epoch is not null and p_epoch <> r.epoch then return 'stale'; end if;
  if r.calling then
    if p_fate = 'not-sent' and p_epoch is not null then sent_less := 1;
    elsif p_fate <> 'unpaid' then unknown_more := 1;
    end if;
  end if;
  delete from ledger_flight where fingerprint = p_fingerprint and run = p_run and row_ordinal = p_row;
  update ledger_row set outcome = p_result->>'outcome', calling = false, answered = false where run = p_run and row_ordinal = p_row;
  ended := p_result->>'outcome';
  update ledger_run set
    outcomes = outcomes || jsonb_build_object(ended, coalesce((outcomes->>ended)::int, 0) + 1),
    pictures = pictures + p_pictures,
    cost_micro_usd = cost_micro_usd + p_cost,
    calls = calls - sent_less,
    unknown_calls = unknown_calls + unknown_more
    where run = p_run;
  insert into ledger_result values (p_run, p_row, p_result);
  return 'settled';
end $$;

create or replace function ledger_steer(p_run text, p_steering text)
returns text language plpgsql as $$
declare changed text;
begin
  update ledger_run set state = case p_steering when 'pause' then 'paused' when 'unpause' then 'running' else 'cancelled' end
    where run = p_run and (
      (p_steering = 'pause' and state = 'running') or
      (p_steering = 'unpause' and state = 'paused') or
      (p_steering = 'cancel' and state in ('running', 'paused'))
    );
  select state into changed from ledger_run where run = p_run;
  return changed;
end $$;

create or replace function ledger_give_up_answers(p_run text)
returns void language plpgsql as $$
declare given_up int;
begin
  update ledger_row set answered = false, unknown_calls = unknown_calls + 1 where run = p_run and answered;
  get diagnostics given_up = row_count;
  update ledger_run set unknown_calls = unknown_calls + given_up where run = p_run and given_up > 0;
end $$;

create or replace function ledger_book_part(p_run text, p_part int, p_results jsonb)
returns boolean language plpgsql as $$
declare rows int[]; lost jsonb; pictures int;
begin
  if not exists (select 1 from ledger_run where run = p_run and result_parts = p_part and finished_at is null) then
    return false;
  end if;
  select array_agg((value->>'row')::int) into rows from jsonb_array_elements(p_results);
  insert into ledger_row (run, row_ordinal) select p_run, unnest(rows) order by 2 on conflict do nothing;
  -- All rows before the run, as everybody else has it: so nobody waits for one who waits for him.
  perform 1 from ledger_row where run = p_run and row_ordinal = any (rows) and outcome is null
    order by row_ordinal for update;
  for lost in
    select value from jsonb_array_elements(p_results) join ledger_row on row_ordinal = (value->>'row')::int
      where run = p_run and ledger_row.outcome is null
  loop
    pictures := case lost->>'outcome' when 'succeeded' then jsonb_array_length(lost->'keys') else 0 end;
    perform ledger_settle(p_run, (lost->>'row')::int, lost->>'fingerprint', null, 'presumed-paid',
      pictures, (lost->>'costMicroUsd')::bigint, lost);
    update ledger_run set
      calls = calls + (lost->>'calls')::int,
      unknown_calls = unknown_calls + (lost->>'unknownCalls')::int
      where run = p_run;
  end loop;
  delete from ledger_result where run = p_run and row_ordinal = any (rows);
  update ledger_run set result_parts = p_part + 1 where run = p_run and result_parts = p_part;
  return found;
end $$;

create or replace function ledger_finish_run(p_run text, p_finished_at bigint)
returns void language plpgsql as $$
begin
  update ledger_run set
    outcomes = case when state <> 'cancelled' then outcomes else outcomes || jsonb_build_object('cancelled',
      (entry->>'rowCount')::int
        - (select coalesce(sum(value::int), 0) from jsonb_each_text(outcomes) where key <> 'cancelled')) end,
    state = case state when 'cancelled' then 'cancelled' else 'finished' end,
    finished_at = p_finished_at
    where run = p_run and finished_at is null;
  -- The counts are in the run's own row by now, and each row's outcome is in the store.
  delete from ledger_row where run = p_run;
end $$;
`

export class PostgresLedger implements Ledger {
  readonly #pool: SqlPool

  constructor(pool: SqlPool) {
    this.#pool = pool
  }

  async openRun(entry: RunEntry): ReturnType<Ledger['openRun']> {
    const run = (await this.#value('select ledger_open_run($1, $2, $3, $4) as value', [
      entry.run,
      JSON.stringify(entry),
      entry.digest,
      entry.enteredAt,
    ])) as RunId
    return { kind: run === entry.run ? 'opened' : 'continued', run }
  }

  async findUnfinished(digest: string): Promise<RunId | undefined> {
    const sql = `select run as value from ledger_run where digest = $1 and state in ('running', 'paused')`
    return (await this.#value(sql, [digest])) as RunId | undefined
  }

  async books(run: RunId): Promise<RunBooks | undefined> {
    const { rows } = await this.#pool.query('select * from ledger_run where run = $1', [run])
    return rows[0] === undefined ? undefined : toBooks(rows[0])
  }

  async latestRuns(countMax: number): Promise<RunBooks[]> {
    const { rows } = await this.#pool.query(
      'select * from ledger_run order by entered_at desc limit $1',
      [countMax],
    )
    return rows.map(toBooks)
  }

  async steer(run: RunId, steering: Steering): Promise<RunState | undefined> {
    const state = await this.#value('select ledger_steer($1, $2) as value', [run, steering])
    return (state as RunState | null) ?? undefined
  }

  async rowsInFlight(run: RunId): Promise<RowsInFlight> {
    const { rows } = await this.#pool.query(
      'select row_ordinal, answered from ledger_row where run = $1 and (calling or answered) order by row_ordinal',
      [run],
    )
    const rowsWith = (isAnswered: boolean) =>
      rows.filter((row) => row['answered'] === isAnswered).map((row) => Number(row['row_ordinal']))
    return { calling: rowsWith(false), answered: rowsWith(true) }
  }

  async giveUpAnswers(run: RunId): Promise<void> {
    await this.#pool.query('select ledger_give_up_answers($1)', [run])
  }

  async bookPart(run: RunId, part: number, results: readonly RowResult[]): Promise<boolean> {
    const rows = results.map((result) => ({ ...result, costMicroUsd: toMicroUsd(result.costUsd) }))
    const values = [run, part, JSON.stringify(rows)]
    return (await this.#value('select ledger_book_part($1, $2, $3) as value', values)) as boolean
  }

  async begin({ run, row, fingerprint }: RowClaim, options: BeginOptions): Promise<Begin> {
    return (await this.#value('select ledger_begin($1, $2, $3, $4, $5, $6) as value', [
      run,
      row,
      fingerprint,
      options.calling,
      options.unknownCallsMax,
      FLIGHT_LEASE_MS,
    ])) as Begin
  }

  async release(claim: RowClaim, epoch: number, call: ReleasedCall): Promise<boolean> {
    const { run, row, fingerprint } = claim
    const values = [run, row, fingerprint, epoch, call]
    return (await this.#value(
      'select ledger_release($1, $2, $3, $4, $5) as value',
      values,
    )) as boolean
  }

  async settle(claim: RowClaim, { epoch, callFate, result }: Settlement): Promise<Settled> {
    const succeeded = result.outcome === 'succeeded'
    return (await this.#value('select ledger_settle($1, $2, $3, $4, $5, $6, $7, $8) as value', [
      claim.run,
      claim.row,
      claim.fingerprint,
      epoch,
      callFate,
      succeeded ? result.keys.length : 0,
      toMicroUsd(result.costUsd),
      JSON.stringify(result),
    ])) as Settled
  }

  async unsettledRows(run: RunId, firstRow: number, rowCount: number): Promise<number[]> {
    const { rows } = await this.#pool.query(
      `select ordinal from generate_series($2::int, $3::int) as ordinal
       where not exists (
         select 1 from ledger_row where run = $1 and row_ordinal = ordinal and outcome is not null
       ) order by ordinal`,
      [run, firstRow, firstRow + rowCount - 1],
    )
    return rows.map((row) => Number(row['ordinal']))
  }

  async uncollected(run: RunId, countMax: number): Promise<RowResult[]> {
    const { rows } = await this.#pool.query(
      'select body from ledger_result where run = $1 order by row_ordinal limit $2',
      [run, countMax],
    )
    return rows.map((row) => row['body'] as RowResult)
  }

  async finishRun(run: RunId, finishedAt: number): Promise<void> {
    await this.#pool.query('select ledger_finish_run($1, $2)', [run, finishedAt])
  }

  async setBrake(brake: Brake): Promise<void> {
    await this.#pool.query(
      `insert into ledger_brake (body, until) values ($1, to_timestamp($2 / 1000.0))
       on conflict (one) do update set body = excluded.body, until = excluded.until`,
      [JSON.stringify(brake), brake.until],
    )
  }

  async clearBrake(): Promise<void> {
    await this.#pool.query('delete from ledger_brake')
  }

  async brake(): Promise<Brake | undefined> {
    return (await this.#value('select body as value from ledger_brake where until > now()')) as
      | Brake
      | undefined
  }

  async #value(sql: string, values: unknown[] = []): Promise<unknown> {
    const { rows } = await this.#pool.query(sql, values)
    return rows[0]?.['value']
  }
}

/** Counts arrive as bigint text from `pg` and as numbers from PGlite. */
function toBooks(row: Record<string, unknown>): RunBooks {
  const counted = row['outcomes'] as Record<string, number>
  const outcomes = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, counted[outcome] ?? 0]),
  ) as RunBooks['outcomes']
  return {
    ...(row['entry'] as RunEntry),
    state: row['state'] as RunBooks['state'],
    ...(row['finished_at'] === null ? {} : { finishedAt: Number(row['finished_at']) }),
    outcomes,
    settled: Object.values(outcomes).reduce((sum, rows) => sum + rows, 0),
    pictures: Number(row['pictures']),
    calls: Number(row['calls']),
    unknownCalls: Number(row['unknown_calls']),
    costMicroUsd: Number(row['cost_micro_usd']),
    resultParts: Number(row['result_parts']),
  }
}
