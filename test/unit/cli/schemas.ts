/** Judges a value by a shipped schema, with a validator that shares nothing with what made the schema. */
import { readFileSync } from 'node:fs'
import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js'

export const SCHEMAS_FOLDER = new URL('../../../schemas/', import.meta.url)

const ajv = new Ajv2020({
  strict: true,
  // Our schemas say in one place which keywords go with which type.
  strictTypes: false,
  strictRequired: false,
  formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)), uri: URL.canParse },
})

function shippedSchema(name: string): AnySchemaObject {
  const text = readFileSync(new URL(`${name}.schema.json`, SCHEMAS_FOLDER), 'utf8')
  return JSON.parse(text) as AnySchemaObject
}

/** Gives what is wrong with a value; empty when nothing is. */
export function judgeOf(name: string, { isClosed = false } = {}): (value: unknown) => string {
  const schema = shippedSchema(name)
  const validate = ajv.compile(isClosed ? (closed(schema) as AnySchemaObject) : schema)
  return (value) => (validate(value) ? '' : ajv.errorsText(validate.errors))
}

/** The same schema without leave for keys that it does not name: what we write ourselves must be documented. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.entries(schema).map(([key, value]) => [key, closed(value)] as const)
  const closes = 'properties' in schema && !('additionalProperties' in schema)
  return { ...Object.fromEntries(inner), ...(closes && { additionalProperties: false }) }
}
