/**
 * What a person should do about a row without its picture: one sentence per error code. The only home of these
 * sentences: the end of a run, `status`, the log and docs/errors.md all show them.
 */
export const WHAT_HELPS = {
  content_refused:
    'rewrite the prompt or change the input picture: the same input will be refused again; report a false alarm to the API with the request id',
  request_rejected:
    'correct the row, or the setting that the message names: the same request will be rejected again',
  credentials_refused:
    'check OPENAI_API_KEY, OPENAI_ORG_ID and OPENAI_PROJECT_ID, do what the message asks for, then run the same command again',
  quota_exhausted: 'add credit or raise the limit of the account, then run the same command again',
  rate_limited: 'nothing: rows wait by themselves; if it happens all the time, lower --concurrency',
  api_unavailable:
    'run the same command again later; if it lasts, look at the status page of the service, the network and OPENAI_BASE_URL',
  outcome_unknown:
    'the calls may be paid: run the same command again to try once more; if it happens often, raise --request-timeout-ms or look for a proxy that cuts long requests',
  response_broken:
    'run the same command again; if it lasts, check that OPENAI_BASE_URL is an Images API and that nothing in between rewrites its answers, and for large pictures raise RENDERQ_IMAGE_BYTES_MAX',
  result_expired:
    'the picture is paid for but lost: run the same command again to buy it anew, with response_format b64_json where the server offers it',
  result_unavailable:
    'nothing: the picture is paid for, and its URL is tried again until its hour is over',
  result_refused:
    'if you trust the server, set RENDERQ_ALLOW_PRIVATE_URLS=true, or ask for response_format b64_json, then run the same command again',
  input_unusable:
    'correct the input picture that the message names, then run the same command again',
  input_unavailable:
    'check the URL of the input picture and its server, then run the same command again later',
  storage_unavailable:
    'bring the store back, then run the same command again: what is paid for waits in the spool and is not paid again',
  storage_refused:
    'correct credentials, permissions or bucket as the message says, then run the same command again',
  storage_rejected:
    'move what is in the way, or choose other names with --name, then run the same command again',
  superseded: 'nothing: a later run has rendered this row anew',
  other_store: 'give all workers of a queue one store, or keep them apart with --namespace',
  ledger_unavailable:
    'bring the server of the queue back: the pictures are stored and are not paid again',
  interrupted: 'nothing: the next worker takes the row',
  run_paused: 'let it go on: renderq unpause <run>',
  busy_elsewhere: 'nothing: another run is buying the same picture, and this row will find it',
  job_invalid:
    'give all workers of a queue one version of renderq, or keep versions apart with --namespace',
  bug: 'please report this with its stack, which --log-level error shows',
} as const satisfies Readonly<Record<string, string>>

export type RowErrorCode = keyof typeof WHAT_HELPS

/** Codes that come from a store or a ledger may be of another version. */
export const whatHelps = (code: string): string =>
  Object.hasOwn(WHAT_HELPS, code) ? WHAT_HELPS[code as RowErrorCode] : 'see docs/errors.md'
