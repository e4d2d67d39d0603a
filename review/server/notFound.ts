/** What was asked for is not there; `message` is for the person who asked. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
}
