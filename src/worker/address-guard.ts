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

/**
 * Machines here hand out credentials to whoever asks, and no picture is ever there: the link-local networks
 * with most metadata services, and those of Alibaba, Azure, Oracle, AWS and Google that lie elsewhere.
 * Teredo (2001::/32) hides where it leads and carries no pictures either.
 */
const NEVER_DIALLED = [
  '169.254.0.0/16',
  'fe80::/10',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
  '2001::/32',
].map((network) => ipaddr.parseCIDR(network))

/** Networks whose addresses stand for an IPv4 address, and the first of its four bytes in them. */
const IPV4_INSIDE = [
  { network: ipaddr.IPv6.parseCIDR('::/96'), from: 12 },
  { network: ipaddr.IPv6.parseCIDR('::ffff:0:0:0/96'), from: 12 },
  { network: ipaddr.IPv6.parseCIDR('64:ff9b::/96'), from: 12 },
  { network: ipaddr.IPv6.parseCIDR('64:ff9b:1::/48'), from: 12 },
  { network: ipaddr.IPv6.parseCIDR('2002::/16'), from: 2 },
]

/** Only here has IANA given out global unicast addresses; what ipaddr.js calls unicast is far more. */
const GLOBAL_UNICAST_6 = ipaddr.IPv6.parseCIDR('2000::/3')

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
  if (isNeverDialled(parsed) || isNeverDialled(ipv4Inside(parsed))) {
    throw new AddressRefusedError(`${shown} belongs to this machine's host or cloud`)
  }
  if (allowPrivate || isPublic(parsed)) return
  throw new AddressRefusedError(
    `${shown} is not a public address; if you trust it, set RENDERQ_ALLOW_PRIVATE_URLS=true`,
  )
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

function isNeverDialled(address: Address | undefined): boolean {
  return NEVER_DIALLED.some(
    ([network, bits]) => address?.kind() === network.kind() && address.match(network, bits),
  )
}

/** What a translator or a tunnel would make of it, where such a thing is in the way. */
function ipv4Inside(address: Address): ipaddr.IPv4 | undefined {
  if (!(address instanceof ipaddr.IPv6)) return undefined
  const from = IPV4_INSIDE.find(({ network }) => address.match(network))?.from
  if (from === undefined) return undefined
  return new ipaddr.IPv4(address.toByteArray().slice(from, from + 4))
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST_6)
}
