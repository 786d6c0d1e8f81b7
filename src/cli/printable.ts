/** Text from outside as a terminal may be given it: no control characters, which could rewrite the screen. */

export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, (run) => (run.includes('\n') ? ' ⏎ ' : ' '))
