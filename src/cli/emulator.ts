import { Command, InvalidArgumentError } from 'commander'

const EXAMPLES = `
Examples
  $ renderq emulator                           prints its base URL; stop it with Ctrl-C
  $ OPENAI_BASE_URL=http://127.0.0.1:4010/v1 OPENAI_API_KEY=any renderq run catalog.csv
  $ renderq emulator --port 4010 --latency-ms 2000 --faults faults.json
`

interface EmulatorFlags {
  host: string
  port: number
  apiKey?: string
  latencyMs: number
  urlLifetimeMs: number
  imagesPerMinute?: number
  requestsPerMinute?: number
  tokensPerMinute?: number
  asOf?: string
  fetchUrls?: boolean
  faults?: string
}

export function emulatorCommand(): Command {
  return new Command('emulator')
    .description('serve an offline Images API that behaves like the real one and costs nothing')
    .addHelpText('before', EXAMPLES)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', wholeNumber, 4010)
    .option('--api-key <key>', 'accept only this bearer key (default: any key)')
    .option('--latency-ms <ms>', 'mean time per call', wholeNumber, 500)
    .option('--url-lifetime-ms <ms>', 'how long result URLs work', wholeNumber, 3_600_000)
    .option('--images-per-minute <count>', 'answer 429 above this (default: no limit)', wholeNumber)
    .option('--requests-per-minute <count>', 'the same for requests', wholeNumber)
    .option('--tokens-per-minute <count>', 'the same for tokens, as usage counts them', wholeNumber)
    .option('--as-of <day>', 'refuse models that are shut down by this day (default: serve all)')
    .option(
      '--fetch-urls',
      'fetch the pictures that JSON edits name by a URL (default: refuse them)',
    )
    .option('--faults <file>', 'JSON array of scripted faults, see docs/emulator.md')
    .action(async (flags: EmulatorFlags) => {
      const { serveEmulator } = await import('./serve-emulator.ts')
      await serveEmulator(flags)
    })
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('must be a whole number, zero or above')
  return Number(text)
}
