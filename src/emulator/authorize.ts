import { ApiError, badKey } from './api-error.ts'
import type { Exchange } from './exchange.ts'

/** Gives the bearer key, or throws the API's 401. Without a key of its own, the emulator takes any. */
export function authorize({ request, service }: Exchange): string {
  const key = /^Bearer +(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1]
  if (key === undefined) {
    throw new ApiError(401, {
      message:
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
    })
  }
  if (service.apiKey !== undefined && key !== service.apiKey) throw badKey(key)
  return key
}
