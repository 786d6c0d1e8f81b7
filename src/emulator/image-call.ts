/** One call of an image route, from its key to the last byte of its answer. Read this first. */
import { answerBody } from './answer-body.ts'
import { readCallForm } from './call-form.ts'
import { deliver } from './delivery.ts'
import { authorize, type Exchange, readBody, setProcessingTime } from './exchange.ts'
import { type Fault, isDelivery, isRefusal, isSpoil, type Refusal } from './faults.ts'
import { type MadePicture, makePictures } from './make-pictures.ts'
import type { Operation } from './models.ts'
import { errorOf, htmlPage } from './refusals.ts'
import { type CheckedCall, checkCall } from './rules.ts'
import { textTokens } from './usage.ts'

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
    const call = await checkCall(operation, form)
    applyLimits(exchange, call)
    const { model, prompt } = call
    const fault = service.faults.take({ number: active.number, operation, model: model.id, prompt })
    const work = { exchange, call, key, number: active.number }
    await (isRefusal(fault) ? refuse(work, fault) : fulfil(work, fault))
  }
}

interface Work {
  exchange: Exchange
  call: CheckedCall
  key: string
  number: number
}

function applyLimits({ response, service }: Exchange, { model, prompt, n }: CheckedCall): void {
  const demand = { model: model.id, family: model.family, pictures: n, tokens: textTokens(prompt) }
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

/** Charged when the pictures are made, whatever happens to the answer afterwards, as the API does it. */
async function fulfil(work: Work, fault: Exclude<Fault, Refusal> | undefined): Promise<void> {
  const { exchange, call } = work
  const { requestId, response, service } = exchange
  const spoil = isSpoil(fault) ? fault : undefined
  const [pictures] = await Promise.all([
    makePictures(call, requestId, spoil),
    service.wait(service.latencyMs()),
  ])
  book(work, pictures.length)
  const failing = fault?.kind === 'file_error' ? fault : undefined
  const origin = service.filesOrigin ?? exchange.url.origin
  const linkTo = (picture: MadePicture) => origin + service.files.add(picture, failing)
  const body = answerBody(call, pictures, { spoil, linkTo })
  setProcessingTime(response, exchange.receivedAtMs)
  const trouble = isDelivery(fault) ? fault : undefined
  await deliver(response, { body, fault: trouble, wait: service.wait })
}

function book({ exchange, call, number }: Work, n: number): void {
  const { operation, model, prompt } = call
  const { requestId, service } = exchange
  service.stats.paid({ call: number, operation, model: model.id, prompt, n, nonce: requestId })
}
