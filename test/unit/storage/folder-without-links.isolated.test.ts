/** exFAT and some network mounts have no hard links: the same promises then hold by a lock. */
import { onTestFinished, vi } from 'vitest'
import { FolderStore } from '../../../src/storage/folder.ts'
import { keepsTheStoreContract } from '../../conformance/store.ts'
import { tempDir } from '../../helpers/temp.ts'

vi.mock('node:fs/promises', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  link: () =>
    Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM', syscall: 'link' })),
}))

keepsTheStoreContract('folder without hard links', async () => {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  return new FolderStore(dir.path)
})
