/**
 * The settings of an offline run. What the environment says of queue and store is passed over: emulated rows
 * must not reach workers that call the real API, nor emulated pictures the place of real ones.
 */
import { join } from 'node:path'
import { loadConfig, type Config } from '../config.ts'
import { startEmulator } from '../emulator/server.ts'
import type { CarriedFlags } from './go-on.ts'
import type { RunFlags } from './run.ts'

const ONLY_BY_FLAG = [
  'queueUrl',
  'storageUrl',
  'stateDir',
  'openaiBaseUrl',
  'openaiApiKey',
  'openaiOrgId',
  'openaiProjectId',
  'openaiApiVersion',
] as const

/** Other commands find the run only when they are given them. */
const PLACES = { storageUrl: 'file:./renders-demo', stateDir: join('.renderq', 'emulator') }

/** About what makes progress visible; a real call takes ten times as long. */
const LATENCY_MS = 400

export async function configWithEmulator(
  flags: RunFlags,
): Promise<{ config: Config; carried: CarriedFlags } & AsyncDisposable> {
  const emulator = await startEmulator({ latencyMs: LATENCY_MS })
  try {
    const carried = { ...PLACES, ...withoutUndefined(flags) }
    const config = loadConfig(
      { ...carried, openaiBaseUrl: emulator.baseUrl, openaiApiKey: 'emulator' },
      { onlyByFlag: ONLY_BY_FLAG },
    )
    return { config, carried, [Symbol.asyncDispose]: () => emulator[Symbol.asyncDispose]() }
  } catch (error) {
    await emulator[Symbol.asyncDispose]()
    throw error
  }
}

function withoutUndefined(flags: object): object {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
}
