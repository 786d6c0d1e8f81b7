/** A table for people: columns under their titles, numbers to the right. Pure. */

export interface Column<T> {
  title: string
  isText?: boolean
  /** Left out when every item has a zero there. */
  isOptional?: boolean
  of(item: T): string
}

export function formatTable<T>(items: readonly T[], all: readonly Column<T>[]): string[] {
  const columns = all.filter(
    ({ isOptional, of }) => isOptional !== true || items.some((item) => of(item) !== '0'),
  )
  const table = [
    columns.map(({ title }) => title),
    ...items.map((item) => columns.map(({ of }) => of(item))),
  ]
  const widths = columns.map((_, column) =>
    Math.max(...table.map((line) => (line[column] ?? '').length)),
  )
  return table.map((line) =>
    columns
      .map(({ isText }, column) => {
        const cell = line[column] ?? ''
        const width = widths[column] ?? 0
        return isText === true ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
