/** What `renderq schema` does: list the JSON Schemas, print one, write all. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, messageOf } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { fileNameOf, SCHEMAS, schemaText } from './schema-documents.ts'

export function listSchemas(): void {
  const width = Math.max(...SCHEMAS.map(({ name }) => name.length))
  for (const { name, title } of SCHEMAS) console.log(`${name.padEnd(width)}  ${title}`)
}

export function printSchema(name: string): void {
  const found = SCHEMAS.find((schema) => schema.name === name)
  if (found === undefined) throw unknownSchema(name)
  process.stdout.write(schemaText(found))
}

/** Prints the files it has written. */
export async function writeSchemas(folder: string, name: string | undefined): Promise<void> {
  if (name !== undefined) {
    throw new ConfigError(
      `--into writes all schemas: leave out "${name}", or print it with  renderq schema ${name}`,
    )
  }
  try {
    await mkdir(folder, { recursive: true })
    for (const schema of SCHEMAS) {
      const file = join(folder, fileNameOf(schema))
      await writeFile(file, schemaText(schema))
      console.log(file)
    }
  } catch (cause) {
    throw new ConfigError(`${folder} can't be written: ${messageOf(cause)}`, { cause })
  }
}

function unknownSchema(name: string): ConfigError {
  const names = SCHEMAS.map((schema) => schema.name)
  const meant = nearest(name, names)
  const hint = meant === undefined ? `there are ${names.join(', ')}` : `did you mean ${meant}?`
  return new ConfigError(`there is no schema "${name}" (${hint})`)
}
