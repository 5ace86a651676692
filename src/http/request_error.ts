import { messageOf } from "../base/message_of.ts";

/** Why a request is refused before anything is done: the status and the text of its answer. */
export class RequestError extends Error {
  override name = "RequestError";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Too many wrong passwords have come from there to compare another now. */
export class SlowedError extends RequestError {
  override name = "SlowedError";
  constructor(readonly seconds: number) {
    super(429, `too many attempts, try again in ${seconds} s`);
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
