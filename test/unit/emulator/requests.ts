/** Requests and pictures for the emulator's tests, made without any of renderq's own client code. */
import sharp from 'sharp'
import { modelNotFound } from '../../../src/emulator/api-error.ts'
import { findModel } from '../../../src/emulator/models.ts'
import { referenceOpener } from '../../../src/emulator/references.ts'
import type { ApiView } from '../../../src/emulator/rules.ts'
import type { Emulator } from '../../../src/emulator/server.ts'
import { UploadedFiles } from '../../../src/emulator/uploaded-files.ts'

/** The API as the rules see it: every model, no uploaded file, no way out of the machine. */
export const API: ApiView = {
  modelOf(id) {
    const model = findModel(id)
    if (model === undefined) throw modelNotFound(id)
    return model
  },
  openReference: referenceOpener({ files: new UploadedFiles(), fetchesUrls: false }),
}

export interface ApiAnswer {
  status: number
  headers: Headers
  body: {
    created?: number
    data?: { b64_json?: string; url?: string; revised_prompt?: string }[]
    usage?: Record<string, unknown>
    size?: string
    quality?: string
    error?: { message: string; type: string | null; param: string | null; code: string | null }
  } & Record<string, unknown>
}

export async function generate(
  emulator: Emulator,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<ApiAnswer> {
  return read(await sendGenerate(emulator, body, headers))
}

/** The smallest picture the API makes, so that tests stay quick. */
export const SMALL = { model: 'dall-e-2', size: '256x256', response_format: 'b64_json' }

export function sendGenerate(
  emulator: Emulator,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${emulator.baseUrl}/images/generations`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...SMALL, prompt: 'a red mug', ...body }),
  })
}

export async function sendForm(
  emulator: Emulator,
  route: 'edits' | 'variations',
  entries: [name: string, value: string | Blob][],
): Promise<ApiAnswer> {
  const body = new FormData()
  for (const [name, value] of entries) body.append(name, value)
  const headers = { authorization: 'Bearer sk-test' }
  return read(await fetch(`${emulator.baseUrl}/images/${route}`, { method: 'POST', headers, body }))
}

async function read(response: Response): Promise<ApiAnswer> {
  const body = (await response.json()) as ApiAnswer['body']
  return { status: response.status, headers: response.headers, body }
}

export function bytesOf(answer: ApiAnswer, index = 0): Buffer {
  return Buffer.from(answer.body.data?.[index]?.b64_json ?? '', 'base64')
}

/** A plain picture; with `hole`, its left half is fully transparent. */
export async function plainPng(width: number, height: number, hole = false): Promise<Buffer> {
  const channels = hole ? 4 : 3
  const data = Buffer.alloc(width * height * channels, 200)
  if (hole) openLeftHalf(data, width)
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer()
}

function openLeftHalf(rgba: Buffer, width: number): void {
  for (let at = 0; at * 4 < rgba.length; at += 1) {
    rgba[at * 4 + 3] = at % width < width / 2 ? 0 : 255
  }
}

export const asFile = (bytes: Buffer, type = 'image/png') =>
  new Blob([Uint8Array.from(bytes)], { type })
