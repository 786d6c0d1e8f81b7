/** `node --import` it: when the process ends, what it took goes to file descriptor 3. */
import { writeSync } from 'node:fs'

/** Of the whole process, from its start on. */
export interface CommandFigures {
  seconds: number
  /** User and system time of all threads. */
  cpuSeconds: number
  peakRssBytes: number
}

process.once('exit', () => {
  const { user, system } = process.cpuUsage()
  const figures: CommandFigures = {
    seconds: process.uptime(),
    cpuSeconds: (user + system) / 1_000_000,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
  }
  writeSync(3, JSON.stringify(figures))
})
