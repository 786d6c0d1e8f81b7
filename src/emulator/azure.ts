/** What Azure OpenAI does otherwise: fewer formats, another default quality, and errors of its own shape. */
import type { ApiError } from './api-error.ts'
import type { ImageModel } from './models.ts'

const FORMATS = ['png', 'jpeg'] as const

/** A deployment of this model. The emulator's deployments are named as their models are. */
export function azureModel(model: ImageModel): ImageModel {
  return {
    ...model,
    formats: { generate: FORMATS, edit: FORMATS },
    qualityOfAuto: model.qualities.includes('high') ? 'high' : model.qualityOfAuto,
    editsAsJson: false,
  }
}

/** Its gateway answers in its own words; what comes from the model behind it is as everywhere. */
export function inAzureShape(error: ApiError): { error: object } {
  const { code } = error.body.error
  if (error.status === 401) return { error: { code: '401', message: ACCESS_DENIED } }
  if (code === 'model_not_found')
    return { error: { code: 'DeploymentNotFound', message: NO_MODEL } }
  if (error.status === 404) return { error: { code: '404', message: 'Resource not found' } }
  if (code === 'moderation_blocked') return { error: { code: 'contentFilter', message: FILTERED } }
  return error.body
}

const ACCESS_DENIED =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.'
const NO_MODEL =
  'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.'
const FILTERED = 'Your task failed as a result of our safety system.'
