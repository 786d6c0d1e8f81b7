/**
 * An S3 server that takes every put, keeps nothing and finds nothing. `GET /totals` says how many bytes of
 * pictures came, so that no subject is measured for work it did not do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { serve } from './serve.ts'

let pictureBytes = 0

serve(
  createServer((request, response) => {
    if (request.method === 'PUT') take(request, response)
    else if (request.url === '/totals') response.end(String(pictureBytes))
    else refuse(response)
  }),
)

function take(request: IncomingMessage, response: ServerResponse): void {
  let byteCount = 0
  request.on('data', (chunk: Buffer) => (byteCount += chunk.length))
  request.on('end', () => {
    const isPicture = request.headers['content-type'] === 'image/png'
    if (isPicture && byteCount === Number(request.headers['content-length'])) {
      pictureBytes += byteCount
    }
    response.writeHead(200, { etag: '"00000000000000000000000000000000"' }).end()
  })
}

const NO_SUCH_KEY =
  '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>'

function refuse(response: ServerResponse): void {
  response.writeHead(404, {
    'content-type': 'application/xml',
    // Without it an answer to HEAD would end its connection.
    'content-length': NO_SUCH_KEY.length,
  })
  response.end(NO_SUCH_KEY)
}
