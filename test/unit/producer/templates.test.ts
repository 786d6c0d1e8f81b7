import { writeFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Templates } from '../../../src/producer/templates.ts'
import { tempDir } from '../../helpers/temp.ts'

const values = new Map<string, unknown>([
  ['title', 'Mug & <Co> {{ color }}'],
  ['color', 'red'],
  ['image_src', 'a.png'],
  ['vacant', ''],
  ['none', null],
  ['count', 3],
  ['tags', ['new', 'sale']],
  ['attributes', { color: 'blue' }],
  ['row', { __proto__: null, 'Image Src': 'a.png' }],
])
const variables = {
  get: (name: string) => values.get(name),
  names: () => [...values.keys()],
}
const templates = new Templates()
const render = (text: string) => templates.render(text, variables)

describe('fills', () => {
  test.each([
    ['{{ title }}', 'Mug & <Co> {{ color }}'],
    ['a {{color}} mug', 'a red mug'],
    ['{{ color }}{{ count }}{{ color }}', 'red3red'],
    ['[{{ vacant }}{{ none }}]', '[]'],
    ['{{ row["Image Src"] }} {{ image_src }}', 'a.png a.png'],
    ['{{ attributes.color | upcase }}', 'BLUE'],
    ['{{ tags | join: ", " }}', 'new, sale'],
    ['{{ missing | default: "white" }}', 'white'],
    ['{% if missing %}a{% else %}b{% endif %}', 'b'],
    ['{% for tag in tags %}{{ tag }};{% endfor %}', 'new;sale;'],
    ['{% assign x = color %}{{ x }}', 'red'],
    ['{% raw %}{{ color }}{% endraw %}', '{{ color }}'],
    ['{{ "a b" | slugify }}', 'a-b'],
    ['{{- color -}}', 'red'],
    ['{{ true }}', 'true'],
    ['}} plain { text }', '}} plain { text }'],
  ])('%s', (text, rendered) => {
    expect(render(text)).toMatchObject({ kind: 'text', text: rendered })
  })
})

describe('refuses, and says what to do', () => {
  test.each([
    ['{{ titel }}', '{{ titel }}: there is no such column', 'title'],
    ['{{ titel | upcase }}', '{{ titel }}: there is no such column', 'title'],
    ['{{ row["nothing"] }}', '{{ row.nothing }}: there is no such column', undefined],
    ['{{ attributes.size.x }}', '{{ attributes.size.x }}: there is no such column', undefined],
    ['a {{ Image Src }}', '{{ Image Src }}: there is no such column', 'image_src'],
    ['{{ Image Src | upcase }}', '{{ Image Src }}: there is no such column', 'image_src'],
    ['{{ color | slugfy }}', '{{ … | slugfy }}: there is no such filter', 'slugify'],
    ['{{ color | sample }}', '{{ … | sample }}: there is no such filter', undefined],
    [
      '{{ tags }}',
      'is a template that fails: a list has no text of its own: write {{ … | join: ", " }}',
      undefined,
    ],
    [
      '{{ attributes | upcase }} {{ attributes }}',
      'is a template that fails: a group of values has no text of its own: name one of them',
      undefined,
    ],
    [
      'a {{ color',
      'is a template that fails: output "{{ color" not closed; for braces as plain text write {% raw %}{{…}}{% endraw %}',
      undefined,
    ],
    [
      'a {% include "x" %}',
      'is a template that fails: tag "include" not found; for braces as plain text write {% raw %}{{…}}{% endraw %}',
      undefined,
    ],
  ])('%s', (text, message, suggestion) => {
    expect(render(text)).toEqual({
      kind: 'problem',
      message,
      ...(suggestion !== undefined && { suggestion }),
    })
  })

  test.each(['size', 'first', 'last', 'constructor', '__proto__', 'toString', 'valueOf', 'get'])(
    'a variable named %s that is not there, with and without a filter',
    (name) => {
      expect(render(`{{ ${name} }}`)).toMatchObject({ kind: 'problem' })
      expect(render(`{{ ${name} | upcase }}`)).toMatchObject({ kind: 'problem' })
    },
  )

  test.each(['{{ title.constructor }}', '{{ row.constructor }}', '{{ attributes.__proto__ }}'])(
    'what lies behind a value: %s',
    (text) => {
      expect(render(text)).toMatchObject({ kind: 'problem' })
    },
  )
})

describe('dates', () => {
  test.each([
    "{{ 'now' | date: '%N' }}",
    '{{ "today" | date: "%Y" }}',
    "{{ 'now' | date_to_string }}",
    "{{ 'now' | date_to_long_string }}",
    "{{ 'now' | date_to_xmlschema }}",
    "{{ 'now' | date_to_rfc822 }}",
    "{{ 'no' | append: 'w' | date: '%s' }}",
  ])('of planning are refused, because every plan would be another: %s', (text) => {
    expect(render(text)).toMatchObject({
      kind: 'problem',
      message: expect.stringContaining('changes with every plan') as string,
    })
  })

  test.each(['America/New_York', 'Asia/Tokyo'])('are the same on a machine in %s', (zone) => {
    const zoneBefore = process.env['TZ']
    process.env['TZ'] = zone
    try {
      expect(new Date('2024-01-02T00:00').toISOString()).not.toBe('2024-01-02T00:00:00.000Z')
      const shown = (date: string) => render(`{{ ${date} | date: "%Y-%m-%d %H:%M" }}`)
      expect(shown('1704238200')).toMatchObject({ text: '2024-01-02 23:30' })
      expect(shown('"2024-01-02"')).toMatchObject({ text: '2024-01-02 00:00' })
      expect(shown('"2024-01-02 23:30"')).toMatchObject({ text: '2024-01-02 23:30' })
      expect(shown('"2024-01-02T23:30:00+02:00"')).toMatchObject({ text: '2024-01-02 23:30' })
      expect(render('{{ "2024-03-01" | date_to_long_string }}')).toMatchObject({
        text: '01 March 2024',
      })
    } finally {
      if (zoneBefore === undefined) delete process.env['TZ']
      else process.env['TZ'] = zoneBefore
    }
  })
})

test('no file is read, whatever a template says', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('secret'), 'secret')

  for (const tag of ['include', 'render', 'layout']) {
    expect(render(`{% ${tag} "${dir.join('secret')}" %}`)).toMatchObject({ kind: 'problem' })
  }
})

const loop = (body: string) => `{% for i in (1..900000) %}${body}{% endfor %}`

test('a template that runs wild is stopped', () => {
  for (const text of [loop(loop('x')), '{% for i in (1..100000000) %}x{% endfor %}']) {
    const started = performance.now()

    expect(render(text)).toMatchObject({ kind: 'problem' })
    expect(performance.now() - started).toBeLessThan(10_000)
  }
  expect(render(`{{ color }}${'x'.repeat(70_000)}`)).toMatchObject({ kind: 'text' })
  expect(render(`{{ color | upcase }}${'x'.repeat(70_000)}`)).toMatchObject({ kind: 'problem' })
})

test('thousands of different templates are rendered and not all kept', () => {
  for (let index = 0; index < 3_000; index += 1) {
    expect(render(`${index} {{ color | upcase }}`)).toEqual({ kind: 'text', text: `${index} RED` })
  }
})

/** Adds nothing to the text, but takes the template off the short way. */
const ADDED_FOR_LIQUID = '{{ "" }}'

test('the short way for plain templates gives what Liquid gives', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 5 }),
    fc.constantFrom(
      '{',
      '}',
      '{{',
      '}}',
      '{{ color }}',
      '{{title}}',
      '{{ none }}',
      '{{ nil }}',
      '%}',
    ),
    fc.constantFrom(
      '{{ count }}',
      '{{ tags }}',
      '{{ titel }}',
      '{{ true }}',
      '{{\n vacant \t}}',
      '{%',
    ),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('')
      const short = render(text)
      const long = render(text + ADDED_FOR_LIQUID)

      // Braces that are cut open by the addition are another template.
      fc.pre(!/\{[{%][^}]*$|\{$/.test(text))
      expect(short.kind).toBe(long.kind)
      expect(short.kind === 'text' ? short : undefined).toEqual(
        long.kind === 'text' ? long : undefined,
      )
    }),
    { numRuns: 1_000 },
  )
})
