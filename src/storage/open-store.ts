/** Opens the store the settings name. Each kind loads its own code: a folder never loads the AWS SDK. */
import type { StorageSettings } from '../config.ts'
import type { Store } from './store.ts'

export async function openStore(settings: StorageSettings): Promise<Store> {
  switch (settings.kind) {
    case 'folder': {
      const { FolderStore } = await import('./folder.ts')
      return new FolderStore(settings.dir)
    }
    case 's3': {
      const { openS3Store } = await import('./s3.ts')
      return openS3Store(settings)
    }
  }
}
