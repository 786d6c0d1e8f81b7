import { expect, test, vi } from 'vitest'
import { openStore } from '../../../src/storage/open-store.ts'
import { tempDir } from '../../helpers/temp.ts'

vi.mock('@aws-sdk/client-s3', () => {
  throw new Error('the AWS SDK was loaded')
})

test('a folder is used without loading the AWS SDK', async () => {
  await using dir = await tempDir()
  await using store = await openStore({ kind: 'folder', dir: dir.path })

  await store.put('mug.png', Buffer.from('x'), { contentType: 'image/png', when: 'absent' })

  expect(store.url).toBe(`file:${dir.path}`)
  await expect(openStore({ kind: 's3', bucket: 'catalog', prefix: '' })).rejects.toThrow(
    expect.objectContaining({
      cause: expect.objectContaining({ message: 'the AWS SDK was loaded' }),
    }),
  )
})
