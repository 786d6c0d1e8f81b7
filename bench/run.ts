/**
 * `npm run bench`: renderq beside a script on the official SDKs and beside the bare copying of bytes. Every subject
 * runs in a process of its own, servers in others, subjects take turns over several rounds, and medians are shown.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { runSubject, startServer, type Measured } from './processes.ts'
import { formatRounds } from './table.ts'
import { SUBJECTS, type SubjectName, type Task } from './task.ts'

const MB = 1_000_000

interface Scenario {
  title: string
  subjects: readonly SubjectName[]
  work: Pick<Task, 'calls' | 'warmUpCalls' | 'concurrency' | 'n' | 'pictureBytes'>
}

const { rounds, pictures, only } = readOptions()

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  memory: {
    title: 'memory: 8 calls at once, each answered with 10 pictures of 20 MB (267 MB of JSON)',
    subjects: ['renderq', 'script on the SDKs', 'floor: undici copies'],
    work: { calls: 8, warmUpCalls: 0, concurrency: 8, n: 10, pictureBytes: 20 * MB },
  },
  speed: {
    title: `speed: ${pictures} calls, 8 at a time, each answered at once with 1 picture of 2 MB`,
    subjects: Object.keys(SUBJECTS) as SubjectName[],
    work: { calls: pictures, warmUpCalls: 200, concurrency: 8, n: 1, pictureBytes: 2 * MB },
  },
}

await using pictureServer = await startServer('picture-server')
await using sink = await startServer('sink')

console.log(
  `${new Date().toISOString().slice(0, 10)} · Node ${process.version} · ${process.platform} ` +
    `${process.arch}, ${cpus().length} cores · medians of ${rounds} rounds, subjects taking turns`,
)
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (only === undefined || only === name) await runScenario(scenario)
}

async function runScenario({ title, subjects, work }: Scenario): Promise<void> {
  const measured = new Map<SubjectName, Measured[]>()
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first finds another machine than whoever comes last.
    const first = round % subjects.length
    for (const name of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const result = await runOnce(name, work)
      measured.set(name, [...(measured.get(name) ?? []), result])
      process.stderr.write(`  round ${round + 1}, ${name}: ${result.causeOfDeath ?? 'done'}\n`)
      if (result.causeOfDeath !== undefined && name.startsWith('renderq')) process.exitCode = 1
    }
  }
  console.log(`\n${title}\n\n${formatRounds(subjects, measured, work)}`)
}

async function runOnce(name: SubjectName, work: Scenario['work']): Promise<Measured> {
  const storedBefore = await storedBytes()
  const result = await runSubject(name, {
    ...work,
    apiUrl: `${pictureServer.url}/${work.pictureBytes}/v1`,
    sinkUrl: sink.url,
  })
  const expected = (work.calls + work.warmUpCalls) * work.n * work.pictureBytes
  const stored = (await storedBytes()) - storedBefore
  if (result.causeOfDeath === undefined && stored < expected) {
    throw new Error(`${name} stored ${stored} bytes of pictures, not ${expected}`)
  }
  return result
}

async function storedBytes(): Promise<number> {
  return Number(await (await fetch(`${sink.url}/totals`)).text())
}

function readOptions(): { rounds: number; pictures: number; only: string | undefined } {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      pictures: { type: 'string', default: '400' },
      only: { type: 'string' },
    },
  })
  const [rounds, pictures] = [Number(values.rounds), Number(values.pictures)]
  const isScenario = [undefined, 'memory', 'speed'].includes(values.only)
  if (
    !Number.isInteger(rounds) ||
    rounds < 1 ||
    !Number.isInteger(pictures) ||
    pictures < 1 ||
    !isScenario
  ) {
    throw new Error(
      'use --rounds <count>, --pictures <count a round>, --only memory or --only speed',
    )
  }
  return { rounds, pictures, only: values.only }
}
