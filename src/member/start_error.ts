/** What a start cannot go on from; `message` says what to do. */
export class StartError extends Error {
  override name = "StartError";
}
