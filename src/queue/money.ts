/** Costs are booked in whole millionths of a dollar, so that sums are exact. Unknown costs add nothing. */
export function toMicroUsd(costUsd: number | null): number {
  return costUsd === null ? 0 : Math.round(costUsd * 1_000_000)
}
