import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { open, readdir, readlink, writeFile } from 'node:fs/promises'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openStore } from '../../../src/storage/open-store.ts'
import type { PutOptions, Store } from '../../../src/storage/store.ts'
import { openFakeS3, refuse, type FakeS3 } from '../../helpers/fake-s3.ts'
import { tempDir } from '../../helpers/temp.ts'
import { until } from '../../helpers/until.ts'

const PNG = { contentType: 'image/png', metadata: { row: 'sku-1' } }
const ABSENT: PutOptions = { ...PNG, when: 'absent' }
const PATH = '/catalog/spring/mug.png'
const bytesOf = (text: string) => Buffer.from(text)
const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** Above it, a file whose digest is known is read while it is sent. */
const STREAMED_ABOVE = 4 * 1024 * 1024

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  }
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  return () => vi.unstubAllEnvs()
})

describe('requests', () => {
  test('a put is one plain request that servers of every make understand', async () => {
    const { store, server } = await openFake()
    const bytes = bytesOf('x'.repeat(3_000_000))

    await store.put('mug.png', bytes, ABSENT)

    expect(server.requests).toHaveLength(1)
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'PUT', path: PATH })
    expect(request?.body.equals(bytes)).toBe(true)
    expect(request?.headers).toMatchObject({
      'content-length': '3000000',
      'content-md5': createHash('md5').update(bytes).digest('base64'),
      'content-type': 'image/png',
      'if-none-match': '*',
      'x-amz-meta-row': 'sku-1',
    })
    const names = Object.keys(request?.headers ?? {}).join(' ')
    expect(names).not.toMatch(/expect|transfer-encoding|trailer|x-amz-checksum|x-amz-acl/)
  })

  test('a file too large for memory is streamed, with its length and digest told before', async () => {
    const { store, server } = await openFake()
    await using dir = await tempDir()
    const byteCount = 64 * 1024 * 1024 + 1
    const file = await open(dir.join('results.csv'), 'w')
    await file.truncate(byteCount)
    await file.close()

    await store.put('results.csv', { file: dir.join('results.csv') }, ABSENT)

    const [request] = server.requests
    expect(request?.body.byteLength).toBe(byteCount)
    expect(request?.headers).toMatchObject({
      'content-length': String(byteCount),
      'content-md5': createHash('md5').update(Buffer.alloc(byteCount)).digest('base64'),
    })
    expect(request?.headers).not.toHaveProperty('transfer-encoding')
  })

  test.each([STREAMED_ABOVE, STREAMED_ABOVE + 1])(
    'a file of %i bytes whose digest is known is signed with it',
    async (byteCount) => {
      const { store, server } = await openFake()
      const picture = await pictureFile(byteCount)

      await store.put('mug.png', picture, ABSENT)
      await store.put('mug-2.png', picture, ABSENT)

      for (const { headers, body } of server.requests) {
        expect(sha256Of(body)).toBe(picture.sha256)
        expect(headers).toMatchObject({
          'x-amz-content-sha256': picture.sha256,
          'content-length': String(byteCount),
        })
        expect(headers).not.toHaveProperty('content-md5')
      }
    },
  )

  test('without a prefix keys begin at the root of the bucket', async () => {
    const { server } = await openFake()
    await using store = await openStore({ kind: 's3', bucket: 'catalog', prefix: '' })

    await store.put('a/b.png', bytesOf('x'), ABSENT)

    expect(server.requests[0]?.path).toBe('/catalog/a/b.png')
    expect(store.url).toBe('s3://catalog')
    expect(store.locationOf('a/b.png')).toBe('s3://catalog/a/b.png')
  })
})

describe('conditions', () => {
  test('a put whose answer was lost is repeated, and then finds its own object', async () => {
    const { store, server } = await openFake()
    server.interfere = (request, response) => {
      if (server.requests.length > 1) return false
      server.store(request)
      response.destroy()
      return true
    }

    const put = await store.put('mug.png', bytesOf('ours'), ABSENT)

    expect(put).toMatchObject({ kind: 'exists', metadata: PNG.metadata })
  })

  test('after a conflict the put is tried again', async () => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      if (server.requests.length > 2) return false
      refuse(response, 409, 'ConditionalRequestConflict')
      return true
    }

    expect(await store.put('mug.png', bytesOf('x'), ABSENT)).toMatchObject({ kind: 'stored' })
    expect(server.requests).toHaveLength(3)
  })

  test('a refusal that cuts the connection is taken for what it is, not for a network that fails', async () => {
    const { store, server } = await openFake()
    const first = await store.put('mug.png', bytesOf('first'), ABSENT)
    server.refusesEarly = true

    const second = await store.put('mug.png', await pictureFile(32 * 1024 * 1024), ABSENT)

    expect(second).toEqual({ kind: 'exists', etag: first.etag, metadata: PNG.metadata })
  })

  test('a connection that is cut before anything is stored is unavailable', async () => {
    const { store, server } = await openFake()
    server.interfere = ({ method }, response) => {
      if (method === 'PUT') response.destroy()
      return method === 'PUT'
    }

    const put = store.put('mug.png', await pictureFile(STREAMED_ABOVE + 1), ABSENT)

    await expect(put).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  test('conflicts without end are given up as unavailable', async () => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      refuse(response, 409, 'ConditionalRequestConflict')
      return true
    }

    await expect(store.put('mug.png', bytesOf('x'), ABSENT)).rejects.toMatchObject({
      code: 'storage_unavailable',
    })
  })

  test('an object that vanishes right after it was in the way is stored anew', async () => {
    const { store, server } = await openFake()
    await store.put('mug.png', bytesOf('old'), ABSENT)
    server.interfere = ({ method }) => {
      if (method === 'HEAD') server.remove(PATH)
      return false
    }

    expect(await store.put('mug.png', bytesOf('new'), ABSENT)).toMatchObject({ kind: 'stored' })
  })

  test.each([404, 412])(
    'If-Match on an object that is gone, answered with %i, stores it anew',
    async (status) => {
      const { store, server } = await openFake()
      server.interfere = ({ headers }, response) => {
        if (headers['if-match'] === undefined) return false
        refuse(response, status, status === 404 ? 'NoSuchKey' : 'PreconditionFailed')
        return true
      }

      const put = await store.put('mug.png', bytesOf('x'), { ...PNG, when: { etag: '"gone"' } })

      expect(put.kind).toBe('stored')
      expect(server.requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'PUT'])
    },
  )

  test('a server that wants etags without quotes gets them so', async () => {
    const { store, server } = await openFake()
    const { etag } = await store.put('mug.png', bytesOf('old'), ABSENT)
    server.interfere = ({ headers }, response) => {
      const sent = headers['if-match']
      if (sent === undefined) return false
      headers['if-match'] = `"${sent}"`
      if (!sent.startsWith('"')) return false
      refuse(response, 412, 'PreconditionFailed')
      return true
    }

    const put = await store.put('mug.png', bytesOf('new'), { ...PNG, when: { etag } })
    const again = await store.put('mug.png', bytesOf('newer'), { ...PNG, when: { etag } })

    expect(put.kind).toBe('stored')
    expect(again).toMatchObject({ kind: 'exists', etag: put.etag })
  })

  test.each(['ignored', 'unsupported'] as const)(
    'the probe finds that conditions are %s, and a look before every put takes their place',
    async (conditions) => {
      const { store, server } = await openFake()
      server.conditions = conditions

      await store.probe()
      const first = await store.put('mug.png', bytesOf('first'), ABSENT)
      const second = await store.put('mug.png', bytesOf('second'), ABSENT)
      const wrong = await store.put('mug.png', bytesOf('third'), { ...PNG, when: { etag: '"x"' } })
      const right = await store.put('mug.png', bytesOf('4th'), {
        ...PNG,
        when: { etag: first.etag },
      })

      expect(store.conditionalWrites).toBe(false)
      expect(first.kind).toBe('stored')
      expect(second).toEqual({ kind: 'exists', etag: first.etag, metadata: PNG.metadata })
      expect(wrong.kind).toBe('exists')
      expect(right.kind).toBe('stored')
    },
  )

  test('a server that says it has no conditions is noticed without a probe too', async () => {
    const { store, server } = await openFake()
    server.conditions = 'unsupported'

    expect(await store.put('mug.png', bytesOf('x'), ABSENT)).toMatchObject({ kind: 'stored' })
    expect(store.conditionalWrites).toBe(false)
  })

  test('probing never removes anything, and a second probe overwrites nothing', async () => {
    const { store, server } = await openFake()

    await store.probe()
    const [first] = server.requests
    await store.probe()

    const probes = server.requests.filter(({ path }) => path === '/catalog/spring/_probe')
    expect(new Set(probes.map(({ method }) => method))).toEqual(new Set(['PUT', 'HEAD', 'GET']))
    expect(probes.filter(({ method }) => method === 'PUT')).toHaveLength(3)
    for (const { headers } of probes.filter(({ method }) => method === 'PUT')) {
      expect(headers['if-none-match']).toBe('*')
    }
    expect(first?.path).toBe('/catalog/spring/_probe')
    expect(store.conditionalWrites).toBe(true)
  })
})

describe('failures', () => {
  test.each([
    [403, 'AccessDenied', /allow s3:PutObject and s3:GetObject .* s3:ListBucket/],
    [403, 'InvalidAccessKeyId', /AWS_ACCESS_KEY_ID/],
    [403, 'SignatureDoesNotMatch', /AWS_SECRET_ACCESS_KEY/],
    [400, 'ExpiredToken', /renew/],
    [404, 'NoSuchBucket', /create it or correct STORAGE_URL/],
    [301, 'PermanentRedirect', /AWS_REGION.*eu-central-1/],
    [400, 'AuthorizationHeaderMalformed', /AWS_REGION/],
    [400, 'KMS.DisabledException', /KMS key/],
    [400, 'SomethingNew', /the server refuses: SomethingNew \(400 SomethingNew\)/],
  ])('%i %s needs a person, who is told what to do', async (status, code, advice) => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      response.setHeader('x-amz-bucket-region', 'eu-central-1')
      refuse(response, status, code)
      return true
    }

    await expect(store.put('mug.png', bytesOf('x'), ABSENT)).rejects.toMatchObject({
      // What concerns one object fails its row; what concerns them all stops everyone.
      code: code === 'SomethingNew' ? 'storage_rejected' : 'storage_refused',
      status,
      message: expect.stringMatching(advice),
    })
  })

  test.each([
    [500, 'InternalError'],
    [400, 'BadDigest'],
    [400, 'XAmzContentSHA256Mismatch'],
    [400, 'RequestTimeout'],
  ])('%i %s is worth another try later', async (status, code) => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      refuse(response, status, code)
      return true
    }

    await expect(store.put('mug.png', bytesOf('x'), ABSENT)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining(
        `s3://catalog/spring/mug.png: the S3 server answered ${status}`,
      ),
    })
  })

  test.each([
    ['has changed', 'storage_rejected', /no longer has the bytes that were hashed/],
    ['was damaged on the way', 'storage_unavailable', /400 XAmzContentSHA256Mismatch/],
  ])('a file that %s is told apart by its digest', async (what, code, message) => {
    const { store, server } = await openFake()
    const picture = await pictureFile(1_000)
    if (what === 'has changed') await writeFile(picture.file, 'something else')
    server.interfere = (_, response) => {
      refuse(response, 400, 'XAmzContentSHA256Mismatch')
      return true
    }

    await expect(store.put('mug.png', picture, ABSENT)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  test('a file that vanishes between two requests is named, and nothing else goes wrong', async () => {
    const { store, server } = await openFake()
    const picture = await pictureFile(STREAMED_ABOVE + 1)
    server.interfere = (_, response) => {
      rmSync(picture.file)
      refuse(response, 409, 'ConditionalRequestConflict')
      return true
    }

    await expect(store.put('mug.png', picture, ABSENT)).rejects.toMatchObject({
      code: 'storage_rejected',
      message: expect.stringContaining(picture.file),
    })
    expect(server.requests).toHaveLength(1)
  })

  test.runIf(process.platform === 'linux').each(['refused connections', 'early refusals'])(
    'after %s no file is left open, and the console was left alone',
    async (failure) => {
      const { store, server } = await openFake()
      const warn = vi.spyOn(console, 'warn')
      onTestFinished(() => warn.mockRestore())
      const picture = await pictureFile(32 * 1024 * 1024)
      await store.put('mug.png', bytesOf('first'), ABSENT)
      server.refusesEarly = true
      if (failure === 'refused connections') await server[Symbol.asyncDispose]()

      for (let round = 0; round < 3; round += 1) {
        await store.put('mug.png', picture, ABSENT).catch(() => {})
      }

      await until(async () => (await handlesOf(picture.file)) === 0, { withinMs: 5_000 })
      expect(warn).not.toHaveBeenCalled()
    },
  )

  test('a 403 on a look-up, which has no body, still comes with advice', async () => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      response.writeHead(403).end()
      return true
    }

    await expect(store.head('mug.png')).rejects.toMatchObject({
      code: 'storage_refused',
      message: expect.stringContaining('s3:ListBucket'),
    })
  })

  test('a probe that may write but not look for absent objects fails at once', async () => {
    const { store, server } = await openFake()
    server.interfere = ({ method, path }, response) => {
      if (method !== 'HEAD' || path.endsWith('/_probe')) return false
      response.writeHead(403).end()
      return true
    }

    await expect(store.probe()).rejects.toMatchObject({ code: 'storage_refused' })
  })

  test('a web page instead of S3 is said to be no answer of S3', async () => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway')
      return true
    }

    await expect(store.get('mug.png', { bytesMax: 10 })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('502'),
    })
  })

  test('a server that is down is unavailable', async () => {
    const { store, server } = await openFake()
    await server[Symbol.asyncDispose]()

    await expect(store.get('mug.png', { bytesMax: 1 })).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('a body that is cut short is never taken for the object', async () => {
    const { store, server } = await openFake()
    server.interfere = (_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half', () => response.destroy())
      return true
    }

    await expect(store.get('mug.png', { bytesMax: 1_000 })).rejects.toMatchObject({
      code: 'storage_unavailable',
    })
  })

  test('no credentials at all are said to be missing', async () => {
    const { store } = await openFake()
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)

    await expect(store.probe()).rejects.toMatchObject({
      code: 'storage_refused',
      message: expect.stringContaining('AWS_ACCESS_KEY_ID'),
    })
  })
})

describe('opening', () => {
  test('without a region and an endpoint is refused with what to set', async () => {
    const opened = openStore({ kind: 's3', bucket: 'catalog', prefix: '' })

    await expect(opened).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('set AWS_REGION'),
    })
  })

  test('with a region alone asks nobody', async () => {
    vi.stubEnv('AWS_REGION', 'eu-central-1')

    await using store = await openStore({ kind: 's3', bucket: 'catalog', prefix: 'a/b' })

    expect(store.url).toBe('s3://catalog/a/b')
  })

  test.each(['a//b', '../b', 'a/.', 'x'.repeat(101)])(
    'the prefix %s is refused',
    async (prefix) => {
      const opened = openStore({ kind: 's3', bucket: 'catalog', prefix })

      await expect(opened).rejects.toMatchObject({ code: 'config_invalid' })
    },
  )
})

async function pictureFile(byteCount: number): Promise<{ file: string; sha256: string }> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const bytes = Buffer.alloc(byteCount, 'picture')
  await writeFile(dir.join('picture-0'), bytes)
  return { file: dir.join('picture-0'), sha256: sha256Of(bytes) }
}

/** How often this process has the file open. */
async function handlesOf(file: string): Promise<number> {
  const handles = await readdir('/proc/self/fd')
  const targets = await Promise.all(
    handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')),
  )
  return targets.filter((target) => target === file).length
}

async function openFake(): Promise<{ server: FakeS3; store: Store }> {
  const server = await openFakeS3()
  vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secrettest')
  const store = await openStore({ kind: 's3', bucket: 'catalog', prefix: 'spring' })
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { server, store }
}
