/** Why a request is refused before anything is done: the status and the text of its answer. */
export class RequestError extends Error {
  override name = "RequestError";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}
