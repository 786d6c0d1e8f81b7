/** The body of an answer is not what it should be. `isCut` when it merely ends too early. */
export class AnswerBrokenError extends Error {
  override readonly name = 'AnswerBrokenError'
  readonly isCut: boolean
  constructor(message: string, { isCut = false } = {}) {
    super(message)
    this.isCut = isCut
  }
}
