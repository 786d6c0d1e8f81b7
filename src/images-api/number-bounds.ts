/** What whole numbers any model takes; the `n` of a single model may be less. */
const NUMBER_BOUNDS = {
  n: { min: 1, max: 10 },
  output_compression: { min: 0, max: 100 },
  frame_count: { min: 2, max: 16 },
  frame_duration_ms: { min: 20, max: 655_350 },
  partial_images: { min: 0, max: 3 },
} as const

type BoundedParameter = keyof typeof NUMBER_BOUNDS

export const BOUNDED_PARAMETERS = Object.keys(NUMBER_BOUNDS) as BoundedParameter[]

/** `message` reads on from the parameter's name. */
export function numberProblemOf(
  name: BoundedParameter,
  value: number,
): { message: string; suggestion: string } | undefined {
  const { min, max } = NUMBER_BOUNDS[name]
  if (value >= min && value <= max) return undefined
  return {
    message: `${value}: must be from ${min} to ${max}`,
    suggestion: String(value < min ? min : max),
  }
}
