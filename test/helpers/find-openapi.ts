/** Looks for a copy of OpenAI's API description near the repository; it is no part of it. */
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const FILE_NAME = 'openai-images.openapi.yaml'
const DEPTH_MAX = 3
/** Folders looked into before the search is given up. */
const FOLDERS_MAX = 500

/** `given`: the file itself, or `off`. Otherwise it is searched beside the repository, nearest first. */
export async function findOpenapi(given: string | undefined): Promise<string | undefined> {
  if (given === 'off') return undefined
  if (given !== undefined) {
    await stat(given)
    return resolve(given)
  }
  let folders = [resolve(import.meta.dirname, '../../..')]
  let visited = 0
  for (let depth = 0; depth <= DEPTH_MAX; depth += 1) {
    const deeper: string[] = []
    for (const folder of folders) {
      if ((visited += 1) > FOLDERS_MAX) return undefined
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
      if (entries.some((entry) => entry.isFile() && entry.name === FILE_NAME)) {
        return join(folder, FILE_NAME)
      }
      deeper.push(
        ...entries
          .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
          .map(({ name }) => join(folder, name)),
      )
    }
    folders = deeper
  }
  return undefined
}
