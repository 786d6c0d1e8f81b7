/** One call of an image route, from its key to the last byte of its answer. Read this first. */
import { answerBody } from './answer-body.ts'
import { ApiError, modelNotFound, modelRetired } from './api-error.ts'
import { azureModel } from './azure.ts'
import { readCallForm } from './call-form.ts'
import { deliver, type GoodAnswer } from './delivery.ts'
import { authorize, type Exchange, readBody, setProcessingTime } from './exchange.ts'
import {
  type Fault,
  isDelivery,
  isRefusal,
  isSpoil,
  isStreamFault,
  type Refusal,
} from './fault-kinds.ts'
import { type MadePicture, makePictures, makePreviews } from './make-pictures.ts'
import { findModel, isShutDown, type Operation } from './models.ts'
import { errorOf, htmlPage } from './refusals.ts'
import { type ApiView, type CheckedCall, checkCall } from './rules.ts'
import { streamBody } from './stream-body.ts'
import { textTokens, usageOf } from './usage.ts'

export function imageCall(operation: Operation): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    const { request, response, service } = exchange
    response.once('finish', () => {
      service.stats.answered(response.statusCode)
    })
    const key = authorize(exchange)
    const body = await readBody(request, service.bodyBytesMax)
    using active = service.stats.begin(operation)
    const form = await readCallForm(body, request.headers['content-type'] ?? '', operation)
    if (exchange.parameter !== '') form.values.set('model', exchange.parameter)
    const call = await checkCall(operation, form, viewOf(exchange))
    applyLimits(exchange, call)
    const { model, prompt } = call
    const isStream = call.streaming !== undefined
    const met = { number: active.number, operation, model: model.id, prompt, isStream }
    const fault = service.faults.take(met)
    const work = { exchange, call, key, number: active.number }
    await (isRefusal(fault) ? refuse(work, fault) : fulfil(work, fault))
  }
}

/** Azure's older form: the deployment is in the path, and nothing is found without a version. */
export function deploymentCall(operation: Operation): (exchange: Exchange) => Promise<void> {
  const call = imageCall(operation)
  return async (exchange) => {
    if (!exchange.url.searchParams.get('api-version')) {
      throw new ApiError(404, { message: 'Resource not found' })
    }
    await call(exchange)
  }
}

function viewOf({ host, service }: Exchange): ApiView {
  return {
    openReference: service.openReference,
    modelOf(id) {
      const model = findModel(id)
      if (model === undefined) throw modelNotFound(id)
      if (service.asOf !== undefined && isShutDown(model, service.asOf)) throw modelRetired(id)
      return host === 'azure' ? azureModel(model) : model
    },
  }
}

interface Work {
  exchange: Exchange
  call: CheckedCall
  key: string
  number: number
}

function applyLimits({ response, service }: Exchange, call: CheckedCall): void {
  const { model, prompt, n } = call
  const tokens = usageOf(call)?.total_tokens ?? textTokens(prompt)
  const demand = { model: model.id, family: model.family, pictures: n, tokens }
  const { headers, refusal } = service.limits.take(demand)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (refusal !== undefined) throw refusal
}

async function refuse(work: Work, fault: Refusal): Promise<void> {
  const { exchange, call, key } = work
  const { requestId, response, service } = exchange
  if ('paid' in fault && fault.paid) {
    await service.wait(service.latencyMs())
    book(work, call.n)
  }
  if (fault.kind === 'reset') response.socket?.resetAndDestroy()
  else if (fault.kind === 'html') sendHtml(exchange, fault.status)
  else throw errorOf(fault, { model: call.model, n: call.n, key, requestId })
}

/** A proxy knows nothing of the API's own headers. */
function sendHtml({ response }: Exchange, status: number): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8' })
  response.end(htmlPage(status))
}

type Trouble = Exclude<Fault, Refusal> | undefined

/** Charged when the pictures are made, whatever happens to the answer afterwards, as the API does it. */
async function fulfil(work: Work, fault: Trouble): Promise<void> {
  const { exchange, call } = work
  const { response, service } = exchange
  const { kind, parts } = await (call.streaming === undefined
    ? whole(work, fault)
    : stream(work, fault))
  setProcessingTime(response, exchange.receivedAtMs)
  const trouble = isDelivery(fault) ? fault : undefined
  await deliver(response, { kind, parts, fault: trouble, wait: service.wait })
}

async function whole(work: Work, fault: Trouble): Promise<Answer> {
  const { exchange, call } = work
  const { requestId, service } = exchange
  const [pictures] = await Promise.all([
    makePictures(call, requestId, isSpoil(fault) ? fault : undefined),
    service.wait(service.latencyMs()),
  ])
  book(work, pictures.length)
  const failing = fault?.kind === 'file_error' ? fault : undefined
  const origin = service.filesOrigin ?? exchange.url.origin
  const linkTo = (picture: MadePicture) => origin + service.files.add(picture, failing)
  return { kind: 'json', parts: answerBody(call, pictures, linkTo) }
}

/** The time that a call takes passes between its events. */
async function stream(work: Work, fault: Trouble): Promise<Answer> {
  const { exchange, call } = work
  const { requestId, service } = exchange
  const spoil = isSpoil(fault) ? fault : undefined
  const previews = await makePreviews(call, spoil)
  const pictures = await makePictures(call, requestId, spoil)
  if (fault?.kind !== 'stream_error' || fault.paid) book(work, pictures.length)
  const timing = {
    fault: isStreamFault(fault) ? fault : undefined,
    latencyMs: service.latencyMs(),
  }
  return { kind: 'events', parts: streamBody(call, { previews, pictures }, timing) }
}

type Answer = Pick<GoodAnswer, 'kind' | 'parts'>

function book({ exchange, call, number }: Work, n: number): void {
  const { operation, model, prompt } = call
  const { requestId, service } = exchange
  service.stats.paid({ call: number, operation, model: model.id, prompt, n, nonce: requestId })
}
