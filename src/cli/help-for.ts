/** What a person should do, one sentence per error code; docs/errors.md says more. */
const HELP: Readonly<Record<string, string>> = {
  content_refused: 'rewrite the prompt or change the picture; the same input will be refused again',
  request_rejected: 'correct the row; the same request will be rejected again',
  credentials_refused:
    'check OPENAI_API_KEY, organization and project, then run the same command again',
  quota_exhausted: 'add credit or raise the limit of the account, then run the same command again',
  rate_limited: 'lower --concurrency, or run the same command again later',
  api_unavailable: 'the server was not available; run the same command again later',
  outcome_unknown: 'the calls may be paid; run the same command again to try once more',
  response_broken: 'the server answered something else than pictures; run the same command again',
  result_expired:
    'the picture was paid but its URL no longer works; run the same command again to buy it anew',
  input_unusable: 'correct the input picture named in the message',
  input_unavailable: 'the input picture could not be fetched; run the same command again later',
  storage_unavailable:
    'the store was not available; paid answers wait in the spool, run the same command again',
  storage_refused: 'correct credentials, permissions or bucket, then run the same command again',
  result_refused: 'set what the message names, then run the same command again',
  other_store: 'give all workers of a queue one store, or keep them apart with --namespace',
  superseded: 'a later run has rendered this row anew; nothing to do',
  storage_rejected:
    'correct what the message says about the store, then run the same command again',
  bug: 'please report this; --log-level error shows the stack',
}

export const helpFor = (code: string): string => HELP[code] ?? 'see docs/errors.md'
