/** What a measured process is told, and what it tells. */

/** What is measured: the script it runs, and which variant. */
export const SUBJECTS = {
  renderq: { script: 'renderq', withLookUps: true },
  /** Neither looks anything up nor writes records: what the promises cost. */
  'renderq, no look-ups': { script: 'renderq', withLookUps: false },
  'script on the SDKs': { script: 'sdk-script', withLookUps: false },
  'floor: undici copies': { script: 'copy', withLookUps: false },
} as const
export type SubjectName = keyof typeof SUBJECTS

export interface Task {
  calls: number
  /** Made before the clock starts, so that the compiler has seen the code. */
  warmUpCalls: number
  concurrency: number
  /** Pictures in one answer. */
  n: number
  pictureBytes: number
  /** Base URL of the picture server, for pictures of this size. */
  apiUrl: string
  sinkUrl: string
  /** Of this process alone; empty. */
  workDir: string
  /** Left out in one variant of renderq, to show what they cost. */
  withLookUps: boolean
}

export interface Figures {
  seconds: number
  /** User and system time of all threads, between the first call and the last. */
  cpuMs: number
  /** The most that was ever resident, from the start of the process on. */
  peakRssBytes: number
  /** Resident when everything was open and nothing had been called. */
  idleRssBytes: number
  /** Between two turns of the event loop, with the millisecond between two samples in it. */
  loopMs: { p50: number; p99: number; max: number }
}
