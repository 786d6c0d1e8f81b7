import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventStream } from '../../../src/images-api/event-stream.ts'

interface Event {
  name: string
  data: string
}

function eventsIn(chunks: readonly Buffer[]): Event[] {
  const stream = new EventStream()
  const events: Event[] = []
  let data = ''
  const take = (tokens: ReturnType<EventStream['push']>) => {
    for (const token of tokens) {
      if (token.kind === 'data') data += token.bytes.toString('latin1')
      else {
        events.push({ name: token.name, data })
        data = ''
      }
    }
  }
  for (const chunk of chunks) take(stream.push(chunk))
  take(stream.finish())
  return events
}

/** The standard's algorithm, on the whole text at once. */
function oracle(text: string): Event[] {
  const events: Event[] = []
  let [name, data] = ['', [] as string[]]
  const dispatch = () => {
    if (data.length > 0) events.push({ name, data: data.join('\n') })
    ;[name, data] = ['', []]
  }
  for (const line of text.replace(/^\xef\xbb\xbf/, '').split(/\r\n|\r|\n/)) {
    if (line === '') {
      dispatch()
      continue
    }
    const [, field = '', value = ''] = /^([^:]*)(?::[ ]?(.*))?$/s.exec(line) ?? []
    if (field === 'data') data.push(value)
    if (field === 'event') name = value
  }
  dispatch()
  return events
}

const CORPUS: readonly (readonly [title: string, text: string])[] = [
  ['the documented form', 'event: a.b\ndata: {"x":1}\n\nevent: c\ndata: {}\n\n'],
  ['CRLF', 'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n'],
  ['CR alone', 'event: a\rdata: 1\r\rdata: 2\r\r'],
  ['mixed line ends', 'data: 1\r\n\ndata: 2\n\rdata: 3\r\r\n'],
  ['no blank behind the colon', 'event:a\ndata:{"x":1}\n\n'],
  ['two blanks behind the colon', 'data:  x\n\n'],
  ['data on several lines', 'data: {\ndata: "x":\ndata: 1}\n\n'],
  ['empty data lines', 'data\ndata:\ndata: \n\n'],
  ['comments and heartbeats', ': hello\n\n:\n\ndata: 1\n: between\ndata: 2\n\n: end\n\n'],
  ['a byte order mark', '\xef\xbb\xbfdata: 1\n\n'],
  ['half a byte order mark', '\xef\xbbdata: 1\n\ndata: 2\n\n'],
  ['fields that say nothing', 'id: 7\nretry: 100\nwhatever\ndata: 1\n\n'],
  ['a long unknown field', `${'x'.repeat(100)}: 1\ndata: 1\n\n`],
  ['a field that only begins like data', 'datax: 1\ndat: 2\ndata: 3\n\n'],
  ['an event without data', 'event: nothing\n\ndata: 1\n\n'],
  ['a name that is replaced', 'event: a\nevent: b\ndata: 1\n\n'],
  ['a name behind the data', 'data: 1\nevent: a\n\n'],
  ['no blank line at the end', 'data: 1\n\nevent: last\ndata: 2'],
  ['a colon in the value', 'data: a:b: c\n\n'],
  ['nothing at all', ''],
  ['blank lines alone', '\n\r\n\r\r\n\n'],
]

describe('server-sent events', () => {
  test.each(CORPUS)('%s: every split in two and three gives what the standard says', (_, text) => {
    const bytes = Buffer.from(text, 'latin1')
    const expected = oracle(text)

    expect(eventsIn([bytes])).toEqual(expected)
    for (let first = 0; first <= bytes.length; first += 1) {
      for (let second = first; second <= bytes.length; second += 1) {
        const parts = [
          bytes.subarray(0, first),
          bytes.subarray(first, second),
          bytes.subarray(second),
        ]
        expect(eventsIn(parts)).toEqual(expected)
      }
    }
  })

  test('whatever comes, in whatever pieces, is what the standard says', () => {
    const piece = fc.constantFrom('data', 'event', ':', ': ', ' ', '\r', '\n', '\r\n', 'x', '\xef')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(80)), (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1')
        const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort(
          (a, b) => a - b,
        )
        const chunks = ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end))

        expect(eventsIn(chunks)).toEqual(oracle(pieces.join('')))
      }),
      { numRuns: 2_000 },
    )
  })

  test('names are bounded, however long the line is', () => {
    const stream = new EventStream()
    const tokens = [...stream.push(Buffer.from(`event: ${'n'.repeat(5_000)}\ndata: 1\n\n`))]

    expect(tokens.at(-1)).toEqual({ kind: 'end', name: 'n'.repeat(200) })
  })
})
