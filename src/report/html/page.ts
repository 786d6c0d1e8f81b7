/** The frame of `report.html`: fixed markup and a strict policy. All data comes in as JSON, never as markup. */
import { createHash } from 'node:crypto'
import { STYLE } from './style.ts'

export interface PageFrame {
  /** From the doctype to where the rows begin: they follow as the elements of a JSON array. */
  beforeRows: string
  /** Between the rows and the summary, a JSON object. */
  beforeSummary: string
  afterSummary: string
}

export function pageFrame(script: string): PageFrame {
  return {
    beforeRows: `${head(script)}${BODY}<script type="application/json" id="report-rows">[`,
    beforeSummary: ']</script>\n<script type="application/json" id="report-summary">',
    afterSummary: `</script>\n<script type="module">${script}</script>\n</body>\n</html>\n`,
  }
}

/**
 * Nothing may be loaded, sent or framed, and no text can become script or markup: only this very script and style run,
 * and pictures only come as data.
 */
function contentPolicy(script: string): string {
  return [
    "default-src 'none'",
    'img-src data:',
    `style-src '${hashOf(STYLE)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`

const head = (script: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(script)}">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>renderq report</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
`

const BODY = `<body>
<a class="skip" href="#pictures">Skip to the pictures</a>
<header id="overview"><p>Reading the rows of the run…</p></header>
<noscript><p>This page needs its own script to show its data. results.csv beside it holds the same rows.</p></noscript>
<main>
<section id="failures" aria-labelledby="failures-title" hidden></section>
<section id="cost" aria-labelledby="cost-title" hidden></section>
<section id="time" aria-labelledby="time-title" hidden></section>
<section id="pictures" aria-labelledby="pictures-title" hidden></section>
</main>
<dialog id="details" aria-labelledby="details-title"></dialog>
`
