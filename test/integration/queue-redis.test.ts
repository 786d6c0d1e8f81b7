import { describe } from 'vitest'
import { putsBackWhatWasLost } from '../conformance/feeding.ts'
import { keepsTheLedgerContract } from '../conformance/ledger.ts'
import { keepsTheQueueContract } from '../conformance/queue.ts'
import { queueForTests, redisSettings } from '../helpers/queues.ts'
import { services } from '../helpers/services.ts'

describe.skipIf(!services.redis)('on Redis', () => {
  const queue = queueForTests(redisSettings)
  keepsTheQueueContract('Redis', queue)
  keepsTheLedgerContract('Redis', () => queue().ledger)
  putsBackWhatWasLost('Redis', queue)
})
