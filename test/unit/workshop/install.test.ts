import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Lock {
  packages: Record<string, { engines?: { node?: string }; hasInstallScript?: boolean }>
}

const root = new URL('../../../', import.meta.url)
const lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as Lock
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  allowScripts: Record<string, boolean>
}

test('npm ci warns of no engine on Node 20: see "The lock file" in CONTRIBUTING.md', () => {
  const tooNew = Object.entries(lock.packages).filter(([, { engines }]) =>
    /^>=?\s*2[1-9]/.test(engines?.node ?? ''),
  )

  expect(tooNew.map(([path]) => path)).toEqual([])
})

test('npm ci asks about no install script', () => {
  const withScript = Object.entries(lock.packages).filter(
    ([, { hasInstallScript }]) => hasInstallScript,
  )
  const names = withScript.map(([path]) => path.replace(/^.*node_modules\//, ''))

  expect(names.filter((name) => !(name in manifest.allowScripts))).toEqual([])
})
