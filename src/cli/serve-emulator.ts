/** Runs the emulator until a signal; its base URL is the only thing on stdout. */
import { readFile } from 'node:fs/promises'
import { ConfigError, messageOf } from '../errors.ts'
import { parseFaultRules, type FaultRule } from '../emulator/faults.ts'
import { startEmulator, type EmulatorOptions } from '../emulator/server.ts'
import { onStopSignals } from './stop-signals.ts'

export async function serveEmulator({
  faults,
  ...options
}: Omit<EmulatorOptions, 'faults'> & { faults?: string }): Promise<void> {
  const rules = faults === undefined ? [] : await readFaults(faults)
  await using emulator = await startEmulator({ ...options, faults: rules })
  console.log(emulator.baseUrl)
  console.error(
    `emulating the Images API; try: OPENAI_BASE_URL=${emulator.baseUrl} OPENAI_API_KEY=any renderq run jobs/demo.csv`,
  )
  const ladder = onStopSignals({ first: () => {}, second: () => {} })
  await ladder.stopped
  ladder.close()
  const { calls, paid, pictures } = emulator.stats()
  console.error(`${calls} calls, ${paid} paid, ${pictures} pictures`)
}

async function readFaults(path: string): Promise<FaultRule[]> {
  try {
    return parseFaultRules(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new ConfigError(`--faults ${path}: ${messageOf(cause)}`, { cause })
  }
}
