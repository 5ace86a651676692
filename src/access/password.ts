import type { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { checkHash, isHash } from "./hash_forms.ts";

/** This process's alone: what is kept of passwords is worth nothing to anybody else. */
const key = randomBytes(32);

/** What is compared, and remembered, in a password's place. */
export type Digest = Buffer;

/**
 * Of a password as the client sent it, with each request. An HMAC takes several times as long (Deno
 * 2.9), and is more than this only where others see what it comes to.
 */
export function digestOf(password: Uint8Array): Digest {
  return createHash("sha256").update(key).update(password).digest();
}

/**
 * A user's password: the text itself, or a hash of it in a form that says so. What has such a form is
 * never a text: a stolen hash must not let anybody in.
 */
export class Password {
  /** Undefined for a text. */
  readonly hash: string | undefined;
  /** Undefined for a hash. */
  readonly text: string | undefined;
  /** Of the right password: a hash's is not known before somebody has sent it. */
  #digest: Digest | undefined;

  /** Throws a PasswordFormatError. */
  constructor(value: string) {
    if (isHash(value)) {
      checkHash(value);
      this.hash = value;
    } else {
      this.text = value;
      this.#digest = digestOf(new TextEncoder().encode(value));
    }
  }

  /** Whether it is the right one, as far as that is known without work. */
  isKnown(digest: Digest): boolean {
    return this.#digest !== undefined && timingSafeEqual(this.#digest, digest);
  }

  /** Has the password known whose hash was found to be this one's. */
  remember(digest: Digest): void {
    this.#digest = digest;
  }
}
