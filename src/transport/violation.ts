import { FormatError } from "../base/bytes.ts";

/** Thrown when the other end breaks the rules of the protocol in a well-formed frame. */
export class ViolationError extends Error {
  override name = "ViolationError";
}

/** The two ends must not talk, by what they tell of themselves: neither breaks a rule. */
export class DisagreementError extends Error {
  override name = "DisagreementError";
}

/** Whether the other end is to blame, as against a connection that merely broke. */
export function isViolation(error: unknown): error is FormatError | ViolationError {
  return error instanceof FormatError || error instanceof ViolationError;
}
