import { messageOf } from "../base/message_of.ts";

/** Why a request is refused before anything is done: the status and the text of its answer. */
export class RequestError extends Error {
  override name = "RequestError";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** The body broke off, or was framed wrongly: most of the time its client has gone and hears nothing of it. */
export class BrokenBodyError extends RequestError {
  override name = "BrokenBodyError";
  constructor(cause: unknown) {
    const reason = messageOf(cause);
    super(400, `request body broke off: ${reason}`);
  }
}
