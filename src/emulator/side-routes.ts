/**
 * The routes beside the image calls: the list of models, and the control plane for other processes that
 * steer or count an emulator (tests, demos, crash scripts), which needs no key.
 */
import { messageOf } from '../errors.ts'
import { badRequest, modelNotFound } from './api-error.ts'
import { authorize, type Exchange, readBody, sendJson } from './exchange.ts'
import { findModel, type ImageModel, isShutDown, MODELS } from './models.ts'

/** `GET /v1/models` */
export function listModels(exchange: Exchange): void {
  authorize(exchange)
  const { asOf } = exchange.service
  const served = MODELS.filter((model) => asOf === undefined || !isShutDown(model, asOf))
  sendJson(exchange, 200, { object: 'list', data: served.map(describe) })
}

/** `GET /v1/models/<id>` */
export function showModel(exchange: Exchange): void {
  authorize(exchange)
  const model = findModel(exchange.parameter)
  const { asOf } = exchange.service
  const isServed = model !== undefined && (asOf === undefined || !isShutDown(model, asOf))
  if (!isServed) throw modelNotFound(exchange.parameter)
  sendJson(exchange, 200, describe(model))
}

function describe({ id, released, shutdownDate }: ImageModel) {
  const created = Date.parse(released) / 1_000
  return { id, object: 'model', created, owned_by: 'openai', shutdown_date: shutdownDate }
}

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
