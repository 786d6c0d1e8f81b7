/**
 * The JSON Schemas (draft 2020-12) of everything that goes in and comes out as JSON, made of the zod schemas that the
 * program itself uses. They name what this version knows, and let later versions add to what comes out.
 */
import { z } from 'zod'
import { ScheduleFile } from '../producer/schedule-file.ts'
import { StoredRecord } from '../record.ts'
import { RowResult } from '../row-result.ts'
import { RunDocument } from '../run-document.ts'
import { Event } from './events.ts'
import { BatchLine, Defaults, Row } from './schema-manifest.ts'

type JsonSchema = Record<string, unknown>

interface SchemaDocument {
  name: string
  /** For people, in one line. */
  title: string
  schema(): JsonSchema
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

export const SCHEMAS: readonly SchemaDocument[] = [
  {
    name: 'manifest',
    title: 'A manifest in JSON: an array of rows, or an object with defaults and rows',
    schema: manifest,
  },
  {
    name: 'manifest-line',
    title: 'A line of a manifest in JSON Lines',
    schema: () => ({ ...ROW, $defs: parts({ row: Row, batchLine: BatchLine }) }),
  },
  {
    name: 'schedules',
    title: 'The file of schedules',
    schema: () => generated(ScheduleFile),
  },
  {
    name: 'results',
    title: 'A line of results.jsonl: how a row ended',
    schema: () => generated(RowResult),
  },
  {
    name: 'run',
    title: 'run.json: what a run is and what it came to',
    schema: () => generated(RunDocument),
  },
  {
    name: 'record',
    title: 'The record of a row, or the note that a newer version of the row took its place',
    schema: () => generated(StoredRecord),
  },
  {
    name: 'events',
    title: 'A line of "run --json" or "status --watch --json"',
    schema: () => generated(Event),
  },
]

export const fileNameOf = ({ name }: Pick<SchemaDocument, 'name'>): string => `${name}.schema.json`

/** As it is printed and shipped. */
export function schemaText({ title, schema }: SchemaDocument): string {
  return `${JSON.stringify({ $schema: DRAFT, title, ...schema() }, null, 2)}\n`
}

/** What may be left out when it is written may be missing when it is read. */
function generated(type: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(type, {
    io: 'input',
    // Says how our own types treat it.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  })
  return schema
}

/** A line of OpenAI's batch files is known as the reader knows it: by its body. */
const ROW: JsonSchema = {
  type: 'object',
  if: {
    properties: { body: { type: 'object' } },
    required: ['body'],
    anyOf: [{ required: ['custom_id'] }, { required: ['url'] }],
  },
  // oxlint-disable-next-line unicorn/no-thenable
  then: { $ref: '#/$defs/batchLine' },
  else: { $ref: '#/$defs/row' },
}

/** What they share stands among them, and not once more in each. */
function parts(types: Record<string, z.ZodType>): JsonSchema {
  const made = Object.entries(types).map(([name, type]) => {
    const { $defs: shared, ...schema } = generated(type)
    return { [name]: schema, ...(shared as JsonSchema | undefined) }
  })
  return Object.assign({}, ...made) as JsonSchema
}

/** One schema for both forms: its keywords for arrays say nothing about objects, and the other way round. */
function manifest(): JsonSchema {
  return {
    type: ['array', 'object'],
    items: ROW,
    properties: {
      $schema: { type: 'string', description: 'An address of this schema.' },
      defaults: { $ref: '#/$defs/defaults', description: 'What rows have that lack a column.' },
      rows: { type: 'array', items: ROW, description: 'One row is one call of the Images API.' },
    },
    required: ['rows'],
    additionalProperties: false,
    $defs: parts({ row: Row, batchLine: BatchLine, defaults: Defaults }),
  }
}
