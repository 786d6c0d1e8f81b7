import type { RunTotals } from '../producer/run-tally.ts'
import { count } from './count.ts'

/**
 * `up to about $12.30 (3 rows unpriced)`: by OpenAI's list prices, as if nothing were stored yet and every input picture
 * that nobody has seen yet were a large one.
 */
export function plannedCost({
  costPlannedUsd,
  unpricedRowCount,
}: Pick<RunTotals, 'costPlannedUsd' | 'unpricedRowCount'>): string {
  if (costPlannedUsd === null) return 'price unknown'
  // One small picture costs less than a cent.
  const decimals = costPlannedUsd < 1 ? 3 : 2
  const usd = costPlannedUsd.toLocaleString('en', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  })
  const unpriced = unpricedRowCount === 0 ? '' : ` (${count(unpricedRowCount, 'row')} unpriced)`
  return `up to about $${usd}${unpriced}`
}
