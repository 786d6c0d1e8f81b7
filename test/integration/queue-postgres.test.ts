import { Client } from 'pg'
import { afterAll, describe } from 'vitest'
import { putsBackWhatWasLost } from '../conformance/feeding.ts'
import { keepsTheLedgerContract } from '../conformance/ledger.ts'
import { keepsTheQueueContract } from '../conformance/queue.ts'
import { postgresSettings, queueForTests } from '../helpers/queues.ts'
import { postgresUrl, services } from '../helpers/services.ts'

describe.skipIf(!services.postgres)('on Postgres', () => {
  const settings = postgresSettings()
  afterAll(async () => {
    const client = new Client(postgresUrl())
    await client.connect()
    const { namespace } = settings as { namespace: string }
    await client.query(`drop schema if exists ${namespace} cascade`)
    await client.end()
  })
  const queue = queueForTests(() => settings)
  keepsTheQueueContract('Postgres', queue)
  keepsTheLedgerContract('Postgres', () => queue().ledger)
  putsBackWhatWasLost('Postgres', queue)
})
