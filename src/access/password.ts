import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Thrown for a password that looks like a hash and cannot be used as one; the message follows "has a password hash". */
export class PasswordFormatError extends Error {
  override name = "PasswordFormatError";
}

/** This process's alone: what is kept of passwords is worth nothing to anybody else. */
const key = randomBytes(32);

/** What is compared, and remembered, in a password's place. */
export type Digest = Buffer;

/** Of a password as the client sent it. */
export function digestOf(password: Uint8Array): Digest {
  return createHmac("sha256", key).update(password).digest();
}

/** bcrypt's (Go takes any letter there), and those of the PHC string format, with their cost behind. */
const hashes = /^\$(2[a-z]?\$\d\d\$|(scrypt|argon2(id|i|d)|pbkdf2(-\w+)?)\$)/;

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
    if (hashes.test(value)) {
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

/** Bounds of bcrypt's cost: each more doubles the work, and 2^16 rounds take seconds. */
const bcryptCost = { min: 4, max: 16 };
/** Bounds of scrypt's memory, 128·r·2^ln bytes, and of its parallelism. */
const scryptBytesMax = 256 * 1024 * 1024;
const scryptLanesMax = 16;

export interface ScryptHash {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array<ArrayBuffer>;
}

function checkHash(value: string): void {
  if (value.startsWith("$2")) return checkBcrypt(value);
  if (!value.startsWith("$scrypt$")) {
    throw new PasswordFormatError("of a kind that is not read: raftlite hash-password makes one");
  }
  if (parseScrypt(value) === undefined) {
    throw new PasswordFormatError("that is no whole scrypt hash, or one with too high a cost");
  }
}

function checkBcrypt(value: string): void {
  const match = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(value);
  if (match === null) {
    throw new PasswordFormatError("that is no whole bcrypt hash of the kinds $2a$, $2b$ and $2y$");
  }
  const cost = Number(match[1]);
  if (cost < bcryptCost.min || cost > bcryptCost.max) {
    throw new PasswordFormatError(
      `whose bcrypt cost ${cost} is not from ${bcryptCost.min} to ${bcryptCost.max}`,
    );
  }
}

/** `$scrypt$ln=15,r=8,p=1$salt$key`, in base64 without padding; undefined when it is none, or too dear. */
export function parseScrypt(text: string): ScryptHash | undefined {
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,88})\$([A-Za-z0-9+/]{22,88})$/
      .exec(text);
  if (match === null) return undefined;
  const [ln = 0, r = 0, p = 0] = match.slice(1, 4).map(Number);
  if (ln < 1 || r < 1 || p < 1 || p > scryptLanesMax) return undefined;
  if (128 * r * 2 ** ln > scryptBytesMax) return undefined;
  const [salt, hash] = match.slice(4).map((part) => new Uint8Array(Buffer.from(part, "base64")));
  return salt === undefined || hash === undefined ? undefined : { ln, r, p, salt, key: hash };
}

export function writeScrypt({ ln, r, p, salt, key }: ScryptHash): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "");
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(key)}`;
}
