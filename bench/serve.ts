/** Opens a server on a free local port, tells the parent its URL, and ends with the parent. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export function serve(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  process.on('disconnect', () => process.exit())
}
