import { expect, test } from 'vitest'
import { formatFirstRows } from '../../../src/cli/format-first-rows.ts'
import { jobFor, newRun } from '../../helpers/jobs.ts'

const sha256 = 'a'.repeat(64)
const stored = {
  kind: 'stored',
  key: `_inputs/${sha256}.png`,
  sha256,
  mediaType: 'image/png',
  byteCount: 1,
} as const

const job = jobFor(newRun(), 0, {
  id: 'sku-1',
  operation: 'edit',
  key: 'shop/sku-1',
  request: { model: 'gpt-image-2', n: 2, quality: 'low', prompt: `A ${'very '.repeat(80)}red mug` },
  images: [stored, { kind: 'url', url: 'https://shop.example/b.png' }],
})

test('a row shows its request, its filled prompt and its pictures, within the width', () => {
  const inputs = [{ ...stored, file: `${process.cwd()}/photos/mug.png` }]
  const lines = formatFirstRows({ firstJobs: [job], inputs }, 60)

  expect(lines[0]).toBe('  sku-1  edit  gpt-image-2, n 2, quality low  → shop/sku-1')
  expect(lines.slice(1, 5).every((line) => /^ {4}\S.*(very|…)$/.test(line))).toBe(true)
  expect(lines.slice(5)).toEqual([
    '    image ./photos/mug.png',
    '    image https://shop.example/b.png',
  ])
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
})
