/** A listener on every address of this machine that counts who comes: anybody would be one too many. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'

export interface Canary extends AsyncDisposable {
  port: string
  /** The loopback addresses it can be reached at: not every machine has IPv6. */
  hosts: string[]
  connectionCount(): number
}

/** On IPv4 and IPv6, at the same port. */
export async function openCanary(): Promise<Canary> {
  let connectionCount = 0
  const listen = async (options: { host: string; port: number }) => {
    const server = createServer((socket) => {
      connectionCount += 1
      socket.destroy()
    })
    server.listen({ ...options, ipv6Only: options.host === '::' })
    await once(server, 'listening')
    return server
  }
  const ipv4 = await listen({ host: '0.0.0.0', port: 0 })
  const { port } = ipv4.address() as AddressInfo
  const ipv6 = await listen({ host: '::', port }).catch(refuseUnlessWithoutIpv6)
  const servers = ipv6 === undefined ? [ipv4] : [ipv4, ipv6]
  return {
    port: String(port),
    hosts: ['127.0.0.1', '::1'].slice(0, servers.length),
    connectionCount: () => connectionCount,
    [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map(close))),
  }
}

function refuseUnlessWithoutIpv6(error: unknown): undefined {
  const { code = '' } = error as NodeJS.ErrnoException
  if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(code)) throw error
}

const close = async (server: Server) => await new Promise((done) => server.close(done))
