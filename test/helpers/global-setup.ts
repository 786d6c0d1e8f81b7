/**
 * Looks once for the real services, says plainly which were found, and hands them to the tests.
 * RENDERQ_TEST_REDIS_URL, RENDERQ_TEST_POSTGRES_URL and RENDERQ_TEST_S3_ENDPOINT name other places than
 * the usual local ports, RENDERQ_TEST_OPENAPI the file of OpenAI's description of its API, RENDERQ_TEST_CHROMIUM the
 * browser; `off` leaves one out. RENDERQ_TEST_REQUIRE=redis,postgres,s3,openapi,chromium makes a missing one a failure instead of skipped tests.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { findOpenapi } from './find-openapi.ts'
import type { S3Service, Services } from './services.ts'

const PROBE_TIMEOUT_MS = 3_000
/** A browser's first start reads some hundred megabytes. */
const BROWSER_TIMEOUT_MS = 15_000
const env = process.env

export async function setup(project: TestProject): Promise<void> {
  const redis = env['RENDERQ_TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379'
  const postgres = env['RENDERQ_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'
  const s3: S3Service = {
    endpoint: env['RENDERQ_TEST_S3_ENDPOINT'] ?? 'http://127.0.0.1:7480',
    region: env['RENDERQ_TEST_S3_REGION'] ?? 'us-east-1',
    accessKeyId: env['RENDERQ_TEST_S3_ACCESS_KEY_ID'] ?? 'AKIATEST',
    secretAccessKey: env['RENDERQ_TEST_S3_SECRET_ACCESS_KEY'] ?? 'secrettest',
  }
  const chromium = env['RENDERQ_TEST_CHROMIUM'] ?? '/usr/bin/chromium'
  const [hasRedis, hasPostgres, hasS3, hasChromium] = await Promise.all([
    isThere('Redis', redis, pingRedis),
    isThere('Postgres', postgres, selectFromPostgres),
    isThere('S3', s3.endpoint, listS3Anonymously),
    isThere('Chromium', chromium, askVersion),
  ])
  const openapi = await lookForOpenapi()
  const services: Services = {
    ...(hasRedis && { redis }),
    ...(hasPostgres && { postgres }),
    ...(hasS3 && { s3 }),
    ...(hasChromium && { chromium }),
    ...(openapi !== undefined && { openapi }),
  }
  project.provide('services', services)
  requireServices(services)
}

/** Prints one line, as for a service. */
async function lookForOpenapi(): Promise<string | undefined> {
  const file = await findOpenapi(env['RENDERQ_TEST_OPENAPI'])
  console.log(
    file === undefined
      ? "not found, its tests are skipped: OpenAI's description of the API beside the repository"
      : `found: OpenAI's description of the API at ${file}`,
  )
  return file
}

function requireServices(services: Services): void {
  const required = (env['RENDERQ_TEST_REQUIRE'] ?? '').split(',').filter((name) => name !== '')
  const missing = required.filter((name) => !(name in services))
  if (missing.length === 0) return
  throw new Error(
    `RENDERQ_TEST_REQUIRE (of redis, postgres, s3, openapi, chromium) asks for ${missing.join(', ')}: did not answer`,
  )
}

/** Speaks the service's own protocol: an open port alone proves nothing. Prints one line. */
async function isThere(
  label: string,
  address: string,
  probe: (address: string) => Promise<void>,
): Promise<boolean> {
  const shown = address.replace(/:[^:@/]+@/, ':***@')
  try {
    if (address === 'off') throw new Error('switched off')
    await probe(address)
    console.log(`found: ${label} at ${shown}`)
    return true
  } catch (error) {
    console.log(`not found, its tests are skipped: ${label} at ${shown} (${reasonOf(error)})`)
    return false
  }
}

async function pingRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: PROBE_TIMEOUT_MS,
    commandTimeout: PROBE_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await redis.ping()
  } finally {
    redis.disconnect()
  }
}

async function selectFromPostgres(url: string): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: PROBE_TIMEOUT_MS,
    query_timeout: PROBE_TIMEOUT_MS,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end()
  }
}

/** S3 servers answer an anonymous request for the list of buckets in XML, with 200 or 403. */
async function listS3Anonymously(endpoint: string): Promise<void> {
  const response = await fetch(endpoint, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
  const text = await response.text()
  if (![200, 403].includes(response.status) || !text.includes('<?xml')) {
    throw new Error(`answered ${response.status}, not as an S3 server does`)
  }
}

async function askVersion(browser: string): Promise<void> {
  await promisify(execFile)(browser, ['--version'], { timeout: BROWSER_TIMEOUT_MS })
}

function reasonOf(error: unknown): string {
  const { cause, message, code } = error as NodeJS.ErrnoException
  return code ?? (cause as NodeJS.ErrnoException | undefined)?.code ?? message
}
