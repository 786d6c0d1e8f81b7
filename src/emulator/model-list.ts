import { modelNotFound } from './api-error.ts'
import { authorize } from './authorize.ts'
import { type Exchange, sendJson } from './exchange.ts'
import { findModel, type ImageModel, MODELS } from './models.ts'

/** `GET /v1/models` */
export function listModels(exchange: Exchange): void {
  authorize(exchange)
  sendJson(exchange, 200, { object: 'list', data: MODELS.map(describe) })
}

/** `GET /v1/models/<id>` */
export function showModel(exchange: Exchange): void {
  authorize(exchange)
  const model = findModel(exchange.parameter)
  if (model === undefined) throw modelNotFound(exchange.parameter)
  sendJson(exchange, 200, describe(model))
}

function describe({ id, released, shutdownDate }: ImageModel) {
  const created = Date.parse(released) / 1_000
  return { id, object: 'model', created, owned_by: 'openai', shutdown_date: shutdownDate }
}
