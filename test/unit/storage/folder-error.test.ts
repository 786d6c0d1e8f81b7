import { expect, test } from 'vitest'
import { StorageRejectedError } from '../../../src/errors.ts'
import { toStorageError } from '../../../src/storage/folder-error.ts'

const failure = (code: string) => Object.assign(new Error(code), { code, syscall: 'open' })

test.each([
  ['ENOSPC', 'storage_unavailable', /\/renders\/a\.png: no space left; free some space \(ENOSPC\)/],
  ['EDQUOT', 'storage_unavailable', /quota/],
  ['EMFILE', 'storage_unavailable', /ulimit/],
  ['EIO', 'storage_unavailable', /failed in open \(EIO\)/],
  ['EACCES', 'storage_refused', /permission denied/],
  ['EROFS', 'storage_refused', /read-only/],
  ['ENAMETOOLONG', 'storage_rejected', /too long/],
])('%s is %s, with advice and the path', (code, expected, message) => {
  expect(toStorageError(failure(code), '/renders/a.png')).toMatchObject({
    code: expected,
    message: expect.stringMatching(message),
    cause: failure(code),
  })
})

test('our own errors and bugs stay as they are', () => {
  const ours = new StorageRejectedError('ours')
  const bug = new TypeError('undefined is not a function')

  expect(toStorageError(ours, '/renders/a.png')).toBe(ours)
  expect(toStorageError(bug, '/renders/a.png')).toBe(bug)
})
