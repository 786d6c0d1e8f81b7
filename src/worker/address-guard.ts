/**
 * Which addresses a download may dial. A URL from a manifest or from a server's answer must not become a
 * way into the network the worker stands in.
 */
import ipaddr from 'ipaddr.js'

export interface AddressPolicy {
  /** Loopback and private networks too, never the metadata services of clouds. */
  allowPrivate: boolean
}

/** A host that may not be dialled; the message says why and what to do. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError'
}

/** Hand out credentials to whoever asks; no picture is ever there. All of 169.254/16 and fe80::/10 besides. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::254',
])

/** Only here has IANA given out global unicast addresses; what ipaddr.js calls unicast is far more. */
const GLOBAL_UNICAST_6 = ipaddr.parseCIDR('2000::/3')

/** Throws AddressRefusedError. `host` is the name the address stands for, for the message. */
export function refuseAddress(
  address: string,
  host: string,
  { allowPrivate }: AddressPolicy,
): void {
  const shown = address === host ? address : `${host} (${address})`
  // process() takes the IPv4 address out of ::ffff:a.b.c.d, which is what would be dialled.
  const parsed = ipaddr.isValid(address) ? ipaddr.process(address) : undefined
  if (parsed === undefined) throw new AddressRefusedError(`${shown} is no address`)
  if (METADATA_ADDRESSES.has(parsed.toString()) || parsed.range() === 'linkLocal') {
    throw new AddressRefusedError(`${shown} belongs to this machine's host or cloud`)
  }
  if (allowPrivate || isPublic(parsed)) return
  throw new AddressRefusedError(
    `${shown} is not a public address; if you trust it, set RENDERQ_ALLOW_PRIVATE_URLS=true`,
  )
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST_6)
}
