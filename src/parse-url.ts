/**
 * Undefined when it is no URL. Not by URL.canParse: in Node 20, once the engine has optimised it, that gives
 * other answers about text with letters such as é than the constructor does (seen in 20.20.2).
 */
export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
