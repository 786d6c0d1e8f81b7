/** Which pictures an operation takes, whatever the model, and in which form of a request they can go. */
import { DATA_URL_CHARS_MAX, editFormOf } from './edit-form.ts'
import type { ModelSubject, RequestCheck, Subject } from './request-check.ts'

/** How a reference is called in front of a person. */
const REFERENCE = 'a file id or an image_url for the API'

export function checkPictures(subject: Subject, check: RequestCheck): void {
  checkPresence(subject, check)
  if (subject.operation === 'edit') checkEditForm(subject, check)
}

function checkPresence({ operation, context }: Subject, { problems }: RequestCheck): void {
  const { imageCount, hasMask, hasMarkup, references } = context
  if (operation === 'generate' && imageCount > 0) {
    const message = 'is not taken by generate, only by edit and variation'
    problems.push({ column: 'image', message })
  }
  if (operation === 'edit' && imageCount === 0) {
    problems.push({ column: 'image', message: 'is missing: an edit needs at least one picture' })
  }
  if (operation === 'variation' && imageCount !== 1) {
    problems.push({ column: 'image', message: 'must name exactly one picture for a variation' })
  }
  if (operation === 'variation' && references.includes('image')) {
    const message = `names ${REFERENCE}: a variation takes only uploaded pictures`
    problems.push({ column: 'image', message })
  }
  if (operation === 'edit' && hasMask && hasMarkup) {
    problems.push({ column: 'markup', message: 'is not taken together with a mask' })
  }
  if (operation === 'edit') return
  if (hasMask) problems.push({ column: 'mask', message: 'is only taken by edit' })
  if (hasMarkup) problems.push({ column: 'markup', message: 'is only taken by edit' })
}

function checkEditForm({ request, context }: Subject, { problems }: RequestCheck): void {
  const { references, server, hasMarkup } = context
  if (editFormOf(request, { hasReference: references.length > 0 }) === 'multipart') return
  if (server === 'azure') {
    for (const column of references) {
      const message = `names ${REFERENCE}: Azure takes only uploaded pictures`
      problems.push({ column, message })
    }
    if (request.moderation !== undefined) {
      problems.push({ column: 'moderation', message: 'is not taken by Azure for edit' })
    }
    return
  }
  const cause = request.moderation === undefined ? REFERENCE : 'moderation'
  if (hasMarkup) {
    const message = `is not taken together with ${cause}: it has to be uploaded, and that edit goes as JSON`
    problems.push({ column: 'markup', message })
  }
  for (const column of context.tooLargeForJson) {
    const most = DATA_URL_CHARS_MAX.toLocaleString('en')
    const message = `is too large for an edit with ${cause}: it has more than ${most} characters as a data URL`
    problems.push({ column, message })
  }
}

export function checkPicturesOfModel(
  { operation, context, model }: ModelSubject,
  { problems }: RequestCheck,
): void {
  if (operation !== 'edit') return
  const { imageCount, references, hasMarkup } = context
  if (imageCount > model.inputsMax) {
    const message = `${imageCount} pictures: ${model.id} takes at most ${model.inputsMax}`
    problems.push({ column: 'image', message })
  }
  if (!model.takesReferences) {
    for (const column of references) {
      const message = `names ${REFERENCE}: ${model.id} takes only uploaded pictures`
      problems.push({ column, message })
    }
  }
  if (hasMarkup && !model.takesMarkup) {
    const message = `is not taken by ${model.id}, only by gpt-image-2.5 and later`
    problems.push({ column: 'markup', message })
  }
}
