import type { Event } from './events.ts'

export function printEvent(event: Event): void {
  console.log(JSON.stringify(event))
}
