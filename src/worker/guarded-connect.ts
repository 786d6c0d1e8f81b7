/**
 * Opens the connections of downloads. The check is made here and not in a DNS lookup, because an address
 * written into the URL is never looked up; and the address that was checked is the one that is dialled, so
 * that a name which changes its answer gains nothing.
 */
import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { callbackify } from 'node:util'
import { AddressRefusedError, refuseAddress, type AddressPolicy } from './address-guard.ts'
import { untilAborted } from '../until-aborted.ts'

/** For each address. */
const CONNECT_TIMEOUT_MS = 10_000
const LOOKUP_TIMEOUT_MS = 10_000
/** A host with more addresses than this is tried at the first ones only. */
const ADDRESSES_MAX = 4

export interface Target {
  hostname: string
  protocol: string
  port: string
}

/** What tests replace. */
export interface ConnectSeams {
  /** All addresses of a name. */
  resolve(hostname: string): Promise<string[]>
  dial(address: string, target: Target): Promise<Socket>
  lookupTimeoutMs?: number
}

/** The form that undici's `connect` option takes. */
type Connect = (
  target: Target,
  callback: (...result: [null, Socket] | [Error, null]) => void,
) => void

export function guardedConnect(policy: AddressPolicy, seams: ConnectSeams): Connect {
  const connect = callbackify((target: Target) => connectGuarded(target, policy, seams))
  // It calls back in just this form; its type can't say that either of the two is there.
  return connect as unknown as Connect
}

async function connectGuarded(
  target: Target,
  policy: AddressPolicy,
  { resolve, dial, lookupTimeoutMs = LOOKUP_TIMEOUT_MS }: ConnectSeams,
): Promise<Socket> {
  const hostname = target.hostname.replace(/^\[|\]$/g, '')
  const addresses =
    isIP(hostname) === 0 ? await inTime(resolve(hostname), lookupTimeoutMs) : [hostname]
  // One bad address among good ones refuses the host: nobody serves pictures from both.
  for (const address of addresses) refuseAddress(address, hostname, policy)
  const socket = await dialFirst(addresses.slice(0, ADDRESSES_MAX), (address) =>
    dial(address, { ...target, hostname }),
  )
  try {
    refuseAddress(socket.remoteAddress ?? '', hostname, policy)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** The first that answers: a host may have an IPv6 address where this machine has no IPv6. */
async function dialFirst(
  addresses: readonly string[],
  dial: (address: string) => Promise<Socket>,
): Promise<Socket> {
  let failure: unknown = new AddressRefusedError('the host has no address')
  for (const address of addresses) {
    try {
      return await dial(address)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

export async function resolveAll(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

/** The system's resolver has no time limit that we could set. */
async function inTime<T>(looking: Promise<T>, timeoutMs: number): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(new Error(`its name was not resolved within ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    return await untilAborted(looking, late.signal)
  } finally {
    clearTimeout(timer)
  }
}

export function dial(address: string, { hostname, protocol, port }: Target): Promise<Socket> {
  const isTls = protocol === 'https:'
  const socket = isTls
    ? connectTls({
        host: address,
        port: Number(port || 443),
        // The certificate must be for the name in the URL, whichever address was dialled.
        servername: isIP(hostname) === 0 ? hostname : '',
        ALPNProtocols: ['http/1.1'],
      })
    : connectTcp({ host: address, port: Number(port || 80) })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`))
    }, CONNECT_TIMEOUT_MS)
    socket.on('error', reject).once('close', () => clearTimeout(timer))
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}
