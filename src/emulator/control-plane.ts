/** Routes for other processes that steer or count an emulator: tests, demos, crash scripts. No key needed. */
import { messageOf } from '../errors.ts'
import { badRequest } from './api-error.ts'
import { type Exchange, readBody, sendJson } from './exchange.ts'

const RULES_BYTES_MAX = 1_048_576

/** `GET /_emulator/stats` */
export function showStats(exchange: Exchange): void {
  sendJson(exchange, 200, exchange.service.stats.snapshot())
}

/** `GET /_emulator/calls` */
export function listPaidCalls(exchange: Exchange): void {
  sendJson(exchange, 200, exchange.service.stats.paidCalls())
}

/** `POST /_emulator/faults` */
export async function addFaults(exchange: Exchange): Promise<void> {
  const body = await readBody(exchange.request, RULES_BYTES_MAX)
  try {
    exchange.service.faults.add(JSON.parse(body.toString('utf8')))
  } catch (error) {
    throw badRequest(null, 'bad_fault_rules', messageOf(error))
  }
  sendJson(exchange, 200, { ok: true })
}

/** `DELETE /_emulator/faults` */
export function clearFaults(exchange: Exchange): void {
  exchange.service.faults.clear()
  sendJson(exchange, 200, { ok: true })
}
