import { describe, expect, test } from 'vitest'
import { InterruptedError } from '../../../src/errors.ts'
import { startDeadline } from '../../../src/images-api/deadline.ts'
import { DeadlineError, transportFailure } from '../../../src/images-api/transport-failure.ts'

const before = { host: 'api.openai.com', isSent: false }
const after = { host: 'api.openai.com', isSent: true }
const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

describe('a failed connection', () => {
  test('before the request left is unpaid and tried again', () => {
    expect(transportFailure(reset, before)).toMatchObject({
      code: 'api_unavailable',
      advice: { retry: 'backoff' },
      callFate: 'not-sent',
      cause: reset,
      message:
        "the Images API at api.openai.com can't be reached (read ECONNRESET); nothing was sent",
    })
  })

  test('after the request left may have been paid', () => {
    expect(transportFailure(reset, after, { status: 200, requestId: 'req_1' })).toMatchObject({
      code: 'outcome_unknown',
      advice: { retry: 'unknown' },
      callFate: 'presumed-paid',
      status: 200,
      requestId: 'req_1',
      message:
        'the call to api.openai.com was sent, but no whole answer came (read ECONNRESET); it may have been paid',
    })
  })

  test('names the code where the message lacks it', () => {
    const error = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })

    expect(transportFailure(error, after).message).toContain('(UND_ERR_SOCKET: other side closed)')
  })

  test('at every address of a host names the first', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:9'), { code: 'ECONNREFUSED' })

    expect(transportFailure(new AggregateError([refused, reset]), before).message).toContain(
      '(connect ECONNREFUSED ::1:9)',
    )
  })

  test('by our own stop before sending stays that stop; afterwards it may have been paid', () => {
    const stop = new InterruptedError('the worker is stopping')

    expect(transportFailure(stop, before)).toBe(stop)
    expect(transportFailure(stop, after)).toMatchObject({ code: 'outcome_unknown', cause: stop })
  })
})

describe('a deadline', () => {
  test('aborts with a reason that names the time', async () => {
    const deadline = startDeadline(new AbortController().signal, 5)

    await new Promise((resolve) => deadline.signal.addEventListener('abort', resolve))

    expect(deadline.signal.reason).toEqual(new DeadlineError('more than 5 ms'))
  })

  test('passes on the reason of its caller when it is one of ours, and wraps any other', () => {
    const stop = new InterruptedError('the worker is stopping')
    const [ours, other] = [new AbortController(), new AbortController()]
    const deadlines = [startDeadline(ours.signal, 60_000), startDeadline(other.signal, 60_000)]

    ours.abort(stop)
    other.abort('whatever')

    expect(deadlines[0]?.signal.reason).toBe(stop)
    expect(deadlines[1]?.signal.reason).toBeInstanceOf(InterruptedError)
    for (const deadline of deadlines) deadline.end()
  })

  test('has passed at once when its caller has', () => {
    const deadline = startDeadline(AbortSignal.abort(), 60_000)

    expect(deadline.signal.aborted).toBe(true)
    deadline.end()
  })

  test('that ended neither fires nor listens', async () => {
    const caller = new AbortController()
    const deadline = startDeadline(caller.signal, 5)

    deadline.end()
    caller.abort()
    await new Promise((resolve) => setTimeout(resolve, 20))

    expect(deadline.signal.aborted).toBe(false)
  })
})
