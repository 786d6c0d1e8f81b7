/** The little of `pg.Pool` that renderq and BullMQ use, so that PGlite can stand in for it. */
export interface SqlResult {
  rows: Record<string, unknown>[]
  rowCount?: number | null
}

export interface SqlPool {
  query(text: string, values?: unknown[]): Promise<SqlResult>
}
