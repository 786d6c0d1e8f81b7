/** From the rounds of every subject to one table of medians. */
import type { Measured } from './processes.ts'
import type { Figures, SubjectName, Task } from './task.ts'

const MB = 1_000_000

type Work = Pick<Task, 'calls' | 'n'>
type Measure = (figures: Figures, work: Work) => number

const cpuMsPerPicture: Measure = ({ cpuMs }, { calls, n }) => cpuMs / (calls * n)
const peakMb: Measure = ({ peakRssBytes }) => peakRssBytes / MB

interface Column {
  title: string
  measure: Measure
  /** Shown as a multiple of this subject's, round by round. */
  relativeTo?: SubjectName
  digits: number
}

const COLUMNS: readonly Column[] = [
  { title: 'pictures/s', measure: ({ seconds }, { calls, n }) => (calls * n) / seconds, digits: 1 },
  { title: 'CPU ms/pic', measure: cpuMsPerPicture, digits: 1 },
  { title: '÷ script', measure: cpuMsPerPicture, relativeTo: 'script on the SDKs', digits: 2 },
  { title: '÷ floor', measure: cpuMsPerPicture, relativeTo: 'floor: undici copies', digits: 2 },
  { title: 'peak MB', measure: peakMb, digits: 0 },
  { title: '÷ script', measure: peakMb, relativeTo: 'script on the SDKs', digits: 2 },
  { title: 'idle MB', measure: ({ idleRssBytes }) => idleRssBytes / MB, digits: 0 },
  { title: 'loop p50', measure: ({ loopMs }) => loopMs.p50, digits: 1 },
  { title: 'p99 ms', measure: ({ loopMs }) => loopMs.p99, digits: 1 },
  { title: 'max ms', measure: ({ loopMs }) => loopMs.max, digits: 0 },
]

const NAME_WIDTH = 22
const COLUMN_WIDTH = 11

/** A subject that died in any round has its cause of death beside its name, and figures of the other rounds. */
export function formatRounds(
  names: readonly SubjectName[],
  measured: ReadonlyMap<SubjectName, readonly Measured[]>,
  work: Work,
): string {
  const valueIn = (name: SubjectName, round: number, measure: Measure): number => {
    const result = measured.get(name)?.[round]
    if (result === undefined) return Number.NaN
    // Whoever dies, of its size something is known.
    if (result.causeOfDeath !== undefined)
      return measure === peakMb ? result.peakRssBytes / MB : Number.NaN
    return measure(result, work)
  }
  const cell = (name: SubjectName, { measure, relativeTo, digits }: Column): string => {
    const values = (measured.get(name) ?? []).map((_, round) => {
      const value = valueIn(name, round, measure)
      return relativeTo === undefined ? value : value / valueIn(relativeTo, round, measure)
    })
    const middle = median(values.filter((value) => Number.isFinite(value)))
    return middle === undefined ? '-' : middle.toFixed(digits)
  }
  const rows = names.map((name) =>
    line(
      name,
      COLUMNS.map((column) => cell(name, column)),
    ),
  )
  const deaths = names.flatMap((name) => deathsOf(name, measured.get(name) ?? []))
  return [
    line(
      '',
      COLUMNS.map(({ title }) => title),
    ),
    ...rows,
    ...deaths,
  ].join('\n')
}

function deathsOf(name: SubjectName, measured: readonly Measured[]): string[] {
  const causes = measured.flatMap(({ causeOfDeath }) => causeOfDeath ?? [])
  if (causes.length === 0) return []
  return [`${name} died in ${causes.length} of ${measured.length} rounds: ${causes[0]}`]
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((text) => text.padStart(COLUMN_WIDTH)).join('')
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}
