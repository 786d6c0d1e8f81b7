/** Runs one subject in this process as its task says, and sends the figures to the parent. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import pLimit from 'p-limit'
import type { Figures, Task } from './task.ts'

export interface Subject extends AsyncDisposable {
  /** From the request to the stored pictures. */
  call(number: number): Promise<void>
}

export async function measure(open: (task: Task) => Promise<Subject>): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '') as Task
  await using subject = await open(task)
  const idleRssBytes = process.memoryUsage.rss()
  await makeCalls(subject, task, { from: 0, count: task.warmUpCalls })

  const loop = monitorEventLoopDelay({ resolution: 1 })
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  loop.enable()
  await makeCalls(subject, task, { from: task.warmUpCalls, count: task.calls })
  loop.disable()
  const { user, system } = process.cpuUsage(cpu)

  const figures: Figures = {
    seconds: (performance.now() - startedAt) / 1_000,
    cpuMs: (user + system) / 1_000,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
    idleRssBytes,
    loopMs: loopDelays(loop),
  }
  process.send?.(figures)
}

async function makeCalls(
  subject: Subject,
  { concurrency }: Task,
  { from, count }: { from: number; count: number },
): Promise<void> {
  const slots = pLimit(concurrency)
  const numbers = Array.from({ length: count }, (_, index) => from + index)
  await Promise.all(numbers.map((number) => slots(() => subject.call(number))))
}

function loopDelays(loop: IntervalHistogram): Figures['loopMs'] {
  const ms = (nanoseconds: number) => nanoseconds / 1e6
  return { p50: ms(loop.percentile(50)), p99: ms(loop.percentile(99)), max: ms(loop.max) }
}
