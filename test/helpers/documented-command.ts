/** Commands as the documents print them, so that tests run what readers copy. */
import { readFile } from 'node:fs/promises'

/** The arguments behind `renderq` of the command in `document` that names `manifest`. */
export async function documentedCommand(document: string, manifest: string): Promise<string[]> {
  const text = await readFile(new URL(`../../${document}`, import.meta.url), 'utf8')
  const commands = [...text.matchAll(/```sh\n(renderq .*?)```/gs)].map(([, command = '']) =>
    wordsOf(command.replaceAll('\\\n', ' ')),
  )
  const found = commands.find((words) => words.includes(manifest))
  if (found === undefined) throw new Error(`${document} has no command with ${manifest}`)
  return found.slice(1)
}

/** As a shell takes them apart: quotes of both kinds, nothing else. */
const wordsOf = (command: string): string[] =>
  (command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) =>
    word.replaceAll(
      /'([^']*)'|"([^"]*)"/g,
      (_, single?: string, double?: string) => single ?? double ?? '',
    ),
  )
