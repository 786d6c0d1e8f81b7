import { Command } from 'commander'

const EXAMPLES = `
Examples
  $ renderq schema                       which there are
  $ renderq schema events                one of them
  $ renderq schema --into schemas        all of them, as files
`

export function schemaCommand(): Command {
  return new Command('schema')
    .description('the JSON Schemas of what goes in and comes out')
    .argument('[name]', 'the one to print; without it they are listed')
    .addHelpText('before', EXAMPLES)
    .option('--into <folder>', 'write all of them there, over what is there')
    .action(async (name: string | undefined, flags: { into?: string }) => {
      const { listSchemas, printSchema, writeSchemas } = await import('./schema-files.ts')
      if (flags.into !== undefined) await writeSchemas(flags.into, name)
      else if (name === undefined) listSchemas()
      else printSchema(name)
    })
}
