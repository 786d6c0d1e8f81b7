/** How a row can end, and how urgent a run can be: words that the ledger, the reports and the store share. */

export const OUTCOMES = ['succeeded', 'reused', 'failed', 'refused', 'held', 'cancelled'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Rows of a higher priority are taken first; among equals, runs take turns. */
export const PRIORITIES = ['high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]
