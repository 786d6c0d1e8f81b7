/** Names as nobody should choose them, by the million and the same for the same seed. */

/** Numbers from 0 up to 1, quickly (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const PIECES = [
  '/',
  '//',
  '\\',
  '.',
  '..',
  '../',
  '/..',
  './',
  '...',
  '_',
  '__',
  '-',
  '--',
  ' ',
  '\t',
  '\n',
  '\0',
  '\u001b[31m',
  '%2e%2e',
  '%2f',
  '%00',
  '%',
  ':',
  '::$DATA',
  '*',
  '?',
  '#',
  '&',
  '=',
  '+',
  '~',
  '$',
  '`',
  '|',
  '<',
  '>',
  '"',
  "'",
  '!',
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '^',
  ',',
  ';',
  '@',
  'con',
  'CON',
  'nul.',
  'aux.png',
  'com1',
  'COM¹',
  'lpt9.txt',
  'prn',
  'C:',
  '\\\\server\\',
  '_records',
  '_inputs',
  '_runs',
  '.meta',
  '.tmp-1',
  '.lock-',
  '__proto__',
  'constructor',
  '．',
  '／',
  '＼',
  '․',
  '‥',
  '…',
  '∕',
  '⁄',
  '°',
  'ﬁ',
  'é',
  'e\u0301',
  'ß',
  'ı',
  'İ',
  'ſ',
  'K',
  '漢字',
  '🎈',
  '👩‍🚀',
  '\u202e',
  '\u200b',
  '\ufeff',
  '\u00a0',
  '\ud800',
  '\udc00',
  '\uffff',
  '\u0301\u0301',
  'sku',
  'Mug',
  'mug',
  '1',
  '42',
  'x'.repeat(100),
  'y'.repeat(250),
  'z/'.repeat(60),
  '漢'.repeat(90),
] as const

/** Mostly of the pieces above, sometimes of any letters there are. */
export function hostileName(random: () => number): string {
  const pieceCount = 1 + Math.floor(random() ** 5 * 60)
  let name = ''
  for (let piece = 0; piece < pieceCount; piece += 1) {
    name +=
      random() < 0.85
        ? PIECES[Math.floor(random() * PIECES.length)]
        : String.fromCodePoint(Math.floor(random() ** 4 * 0x110000))
  }
  return name
}
