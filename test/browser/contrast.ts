/** Runs inside the page: texts on the screen whose contrast with what they stand on is under 4.5 to 1. */
export function contrastFaults(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
      const share = value / 255
      return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const groundOf = (element: Element): string => {
    for (let at: Element | null = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at)
      if ((channels(backgroundColor)[3] ?? 1) === 1 && backgroundColor !== 'transparent') {
        return backgroundColor
      }
    }
    return 'rgb(255, 255, 255)'
  }
  const faults = new Set<string>()
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && (node.nodeValue ?? '').trim() !== '',
    )
    const box = element.getBoundingClientRect()
    const isSeen = box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0
    if (!hasText || !isSeen || element.closest('script, noscript, svg title') !== null) continue
    const style = getComputedStyle(element)
    const ink = element instanceof SVGElement ? style.fill : style.color
    const [light = 0, dark = 0] = [luminance(ink), luminance(groundOf(element))].toSorted(
      (a, b) => b - a,
    )
    const contrast = (light + 0.05) / (dark + 0.05)
    if (contrast < 4.5) {
      faults.add(
        `${element.tagName}.${element.getAttribute('class')} ${ink} ${contrast.toFixed(2)}`,
      )
    }
  }
  return [...faults]
}
