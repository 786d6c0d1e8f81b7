/** `report.html` in a real browser, opened as a person does: from a file, offline. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeReport } from '../../src/report/report-html.ts'
import type { ReportRow } from '../../src/report/report-row.ts'
import { FolderStore } from '../../src/storage/folder.ts'
import { newRun } from '../helpers/jobs.ts'
import { documentOf, reportRows } from '../helpers/report-rows.ts'
import { chromiumProgram, services } from '../helpers/services.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'
import { contrastFaults } from './contrast.ts'

const ROWS = 10_000
const PICTURES = 12
/** Screenshots to look at go here; none are made without it. */
const SCREENSHOTS = process.env['RENDERQ_TEST_SCREENSHOTS']

let dir: TempDir
let browser: Browser
let store: FolderStore
let catalogReport: string

describe.skipIf(!services.chromium)('report.html in Chromium', () => {
  beforeAll(async () => {
    dir = await tempDir()
    browser = await chromium.launch({
      executablePath: chromiumProgram(),
      // Tests may run as root, where Chromium has no sandbox; it opens only files made here.
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    })
    store = new FolderStore(dir.join('renders'))
    await putPictures()
    catalogReport = await writeCatalogReport()
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await dir?.[Symbol.asyncDispose]()
  })

  test('opens 10,000 rows without a request, an error or a long wait', async () => {
    await using opened = await open(catalogReport)
    const { page, requests, complaints } = opened
    const interactiveMs = await page.evaluate(
      () => performance.getEntriesByName('interactive')[0]?.startTime ?? NaN,
    )
    console.log(`report of ${ROWS} rows: interactive ${Math.round(interactiveMs)} ms after opening`)
    expect(interactiveMs).toBeGreaterThan(0)
    await scrollThrough(page)
    expect(requests).toEqual([pathToFileURL(catalogReport).href])
    expect(complaints).toEqual([])
    expect(await page.locator('.card').count()).toBeLessThan(500)
  })

  test('shows thumbnails for the first rows, and says why there are none beyond', async () => {
    await using opened = await open(catalogReport)
    const { page } = opened
    await toPictures(page)
    const first = page.locator('.card[data-at="0"] img')
    await first.waitFor()
    expect(await first.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(160)
    await page.locator('.card').first().focus()
    await page.keyboard.press('End')
    const last = page.locator(`.card[data-at="${ROWS - 1}"]`)
    await expect.poll(() => last.textContent()).toContain('beyond the first')
    expect(await last.textContent()).toContain(`pictures/${(ROWS - 1) % PICTURES}.png`)
  })

  test('filters by text, by column, by outcome and by cause', async () => {
    await using opened = await open(catalogReport)
    const { page } = opened
    const rows = catalogRows()
    const shown = page.locator('.shown')
    const shows = async (matches: (row: ReportRow) => boolean) => {
      const expected = rows.filter(matches).length.toLocaleString('en-US')
      await expect.poll(() => shown.textContent()).toContain(`${expected} of 10,000 rows`)
    }
    const search = page.getByRole('searchbox')

    await search.fill('Terracotta LAMP')
    await shows(
      ({ columns }) => columns['colour'] === 'terracotta' && columns['category'] === 'lamp',
    )
    await page.getByLabel('Where to look for the text').selectOption('column:price_eur')
    await search.fill('12.90')
    await shows(({ columns }) => columns['price_eur'] === '12.90')
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(() => shown.textContent()).toBe('10,000 rows')

    await page.locator('.toggle[data-outcome="refused"]').click()
    await shows(({ result }) => result?.outcome === 'refused')
    await page.locator('.toggle[data-outcome="held"]').click()
    await shows(({ result }) => ['refused', 'held'].includes(result?.outcome ?? ''))

    const cause = page.locator('.causes li', { hasText: 'input_unavailable' })
    await cause.getByRole('button', { name: 'Show these rows' }).click()
    await shows(({ result }) => result?.errorCode === 'input_unavailable')
    expect(await page.locator('.card').first().textContent()).toContain('input_unavailable')

    const id = cause.getByRole('button', { name: /^SKU-/ }).first()
    const wanted = await id.textContent()
    await id.click()
    await shows(({ job }) => job.id === wanted)
    await page.getByRole('button', { name: 'show others again' }).click()
    await expect.poll(() => shown.textContent()).toBe('10,000 rows')
  })

  test('opens, turns over and closes the details by keyboard alone', async () => {
    await using opened = await open(catalogReport)
    const { page } = opened
    const [first, second] = catalogRows()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const focused = page.locator(':focus')
    for (let pressed = 0; pressed < 60; pressed += 1) {
      await page.keyboard.press('Tab')
      if ((await focused.getAttribute('data-at').catch(() => null)) === '0') break
    }
    await page.keyboard.press('Enter')
    const details = page.getByRole('dialog')
    await expect.poll(() => details.textContent()).toContain(first!.job.request.prompt)
    const text = (await details.textContent()) ?? ''
    const place = 'row 1 of the run, line 2 of the manifest'
    for (const part of [first!.job.id, place, 'pictures/0.png', 'gpt-image-2-mini', 'sku']) {
      expect(text).toContain(part)
    }
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => details.textContent()).toContain(second!.job.id)
    await page.keyboard.press('Escape')
    await expect.poll(() => details.isVisible()).toBe(false)
    expect(await focused.getAttribute('data-at')).toBe('1')
    await page.keyboard.press('ArrowLeft')
    expect(await focused.getAttribute('data-at')).toBe('0')
  })

  test('answers which rows failed and why, and copies it for a spreadsheet', async () => {
    await using opened = await open(catalogReport)
    const { page } = opened
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const failures = catalogRows().filter(({ result }) => result?.errorCode !== null)
    const causes = await page.locator('.causes > li').allTextContents()
    expect(causes).toHaveLength(new Set(failures.map(({ result }) => result?.errorCode)).size)
    for (const cause of causes) expect(cause).toContain('What helps: ')

    await page.getByRole('button', { name: /^Copy .* rows as TSV$/ }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const tsv = await page.evaluate(() => navigator.clipboard.readText())
    const lines = tsv.trimEnd().split('\n')
    expect(lines[0]?.split('\t').slice(0, 4)).toEqual(['id', 'outcome', 'code', 'message'])
    expect(lines.slice(1).map((line) => line.split('\t').slice(0, 4))).toEqual(
      failures.map(({ job, result }) => [
        job.id,
        result?.outcome,
        result?.errorCode,
        result?.error,
      ]),
    )
  })

  test('shows hostile texts as text', async () => {
    await using opened = await open(await writeHostileReport())
    const { page, requests, complaints } = opened
    await toPictures(page)
    for (const row of hostileRows()) {
      await page.locator(`.card[data-at="${row.job.row}"]`).click()
      const title = await page.locator('#details-title').textContent()
      expect(title).toBe(shownText(row.job.id))
      expect(await page.locator('.prompt').textContent()).toBe(shownText(row.job.request.prompt!))
      await page.keyboard.press('Escape')
    }
    expect(await page.locator('a[href^="javascript" i], a[href^="s3" i]').count()).toBe(0)
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false)
    expect(await page.locator('body img[src="x"], body svg:not(.plot), body iframe').count()).toBe(
      0,
    )
    expect(complaints).toEqual([])
    expect(requests).toHaveLength(1)
  })

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    test.each([1280, 390])('is readable at %d pixels', async (width) => {
      await using opened = await open(catalogReport, { colorScheme, width })
      const { page } = opened
      const isTooWide = await page.evaluate(
        () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
      )
      expect(isTooWide).toBe(false)
      const look = `${colorScheme}-${width}`
      await screenshot(page, `${look}-top`)
      expect(await page.evaluate(contrastFaults)).toEqual([])

      await page.evaluate(() => document.querySelector('#cost')?.scrollIntoView())
      await page.locator('.plot').first().waitFor()
      await screenshot(page, `${look}-cost`)
      expect(await page.evaluate(contrastFaults)).toEqual([])
      await page.evaluate(() => document.querySelector('#time')?.scrollIntoView())
      await screenshot(page, `${look}-time`)

      await toPictures(page)
      await screenshot(page, `${look}-sheet`)
      expect(await page.evaluate(contrastFaults)).toEqual([])

      await page.locator('.card.is-refused').first().click()
      await screenshot(page, `${look}-refused`)
      await page.keyboard.press('Escape')
      await page.locator('.card.is-succeeded').first().click()
      await screenshot(page, `${look}-details`)
      expect(await page.evaluate(contrastFaults)).toEqual([])
    })
  })
})

interface Opened extends AsyncDisposable {
  page: Page
  requests: string[]
  /** Console errors and warnings, uncaught errors, dialogs. */
  complaints: string[]
}

async function open(
  file: string,
  { colorScheme = 'light', width = 1280 }: { colorScheme?: 'light' | 'dark'; width?: number } = {},
): Promise<Opened> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
  const page = await context.newPage()
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) requests.push(request.url())
  })
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog said ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(pathToFileURL(file).href)
  await page.locator('#pictures .filters').waitFor()
  return { page, requests, complaints, [Symbol.asyncDispose]: () => context.close() }
}

async function toPictures(page: Page): Promise<void> {
  await page.evaluate(() => document.querySelector('#pictures')?.scrollIntoView())
  await page.locator('.card').first().waitFor()
}

async function scrollThrough(page: Page): Promise<void> {
  for (let screen = 0; screen < 20; screen += 1) {
    await page.evaluate((part) => {
      const top = document.querySelector('.sheet')?.getBoundingClientRect().top ?? 0
      scrollTo(0, scrollY + top + (document.body.scrollHeight - scrollY - top) * part)
    }, screen / 20)
    await page.locator('.card').first().waitFor({ state: 'attached' })
  }
}

async function screenshot(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return
  await mkdir(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
}

const run = newRun()

const catalogRows = (): ReportRow[] => [
  ...reportRows({ run, count: ROWS, keyOf: (row) => `pictures/${row % PICTURES}.png` }),
]

async function writeCatalogReport(): Promise<string> {
  const file = dir.join('report.html')
  const document = documentOf(run, catalogRows())
  await writeReport({
    rows: streamed(catalogRows()),
    run: document,
    store,
    file,
    thumbnailsMax: 150,
  })
  return file
}

async function putPictures(): Promise<void> {
  for (let at = 0; at < PICTURES; at += 1) {
    const bytes = await sharp({
      create: {
        width: 512,
        height: 512,
        channels: 3,
        background: { r: at * 20, g: 140, b: 240 - at * 20 },
      },
    })
      .composite([{ input: Buffer.from(circle(at)) }])
      .png()
      .toBuffer()
    await store.put(`pictures/${at}.png`, bytes, { contentType: 'image/png', when: 'always' })
  }
}

const circle = (at: number) =>
  `<svg width="512" height="512"><circle cx="${100 + at * 25}" cy="256" r="${80 + at * 9}" fill="#fff8"/></svg>`

const HOSTILE = [
  '</script><script>globalThis.pwned = 1</script>',
  '<img src=x onerror="globalThis.pwned = 1">',
  '<!--<script>',
  '<svg onload=alert(1)><iframe src="javascript:alert(1)">',
  '\u001B[31mred\u001B[0m \u0007',
  'abc\u202Egnp.exe\u2066\u200F',
  'line\u2028break\u2029s \uFEFF \u0000',
  '=HYPERLINK("https://example.com","x")',
  '__proto__',
]

function hostileRows(): ReportRow[] {
  const plain = [...reportRows({ run, count: HOSTILE.length })]
  return plain.map((row, at) => {
    const text = HOSTILE[at]!
    return {
      job: { ...row.job, id: text, request: { ...row.job.request, prompt: text, model: text } },
      columns: { [text]: text, category: text },
      result: {
        ...row.result!,
        id: text,
        ...(at % 2 === 0 && { outcome: 'failed' as const, errorCode: text, error: text }),
      },
      locations: ['javascript:globalThis.pwned = 1', 's3://bucket/x'],
    }
  })
}

async function writeHostileReport(): Promise<string> {
  const file = dir.join('hostile.html')
  const rows = hostileRows()
  const document = { ...documentOf(run, rows), manifest: HOSTILE[0]!, columns: HOSTILE }
  await writeReport({ rows: streamed(rows), run: document, store, file })
  return file
}

/** As the page shows it: controls as pictures of themselves. */
function shownText(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\uFEFF]/gu, (character) => {
    const code = character.charCodeAt(0)
    const name = code.toString(16).toUpperCase().padStart(4, '0')
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${name}⟩`
  })
}

async function* streamed<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}
