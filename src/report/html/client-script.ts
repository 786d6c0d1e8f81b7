/**
 * The script of the page as one text. Its modules are plain JavaScript, so that they are the same files in `src` and in
 * `dist`; a page that may load nothing can't import them, so they are joined here.
 */
import { readFile } from 'node:fs/promises'

/** A module comes after what it imports. Names at the top level are unique across all of them. */
const MODULES = [
  'elements',
  'format',
  'rows',
  'formulas',
  'copy',
  'facts',
  'overview',
  'failures',
  'cost',
  'plots',
  'time',
  'cards',
  'sheet',
  'filters',
  'links',
  'details',
  'main',
]

const IMPORT = /^import\s[^;']*\sfrom\s'\.\/[a-z-]+\.js';?$/gm
const EXPORT = /^export (?=(?:async )?function |const |class )/gm
const SOURCE_MAP = /^\/\/# sourceMappingURL=.*$/gm

export async function clientScript(): Promise<string> {
  const texts = await Promise.all(
    MODULES.map((name) => readFile(new URL(`./client/${name}.js`, import.meta.url), 'utf8')),
  )
  return texts
    .map((text) => text.replace(IMPORT, '').replace(EXPORT, '').replace(SOURCE_MAP, ''))
    .join('\n')
}
