import { Buffer } from "node:buffer";

/** Thrown for a password that looks like a hash and cannot be used as one; the message follows "has a password hash". */
export class PasswordFormatError extends Error {
  override name = "PasswordFormatError";
}

/**
 * How hashes of passwords begin, of the kinds that are read and of all others that say what they
 * are: crypt's and the PHC string format's `$kind$`, bcrypt's without a number too; LDAP's `{KIND}`
 * (RFC 2307); PostgreSQL's, Django's and Werkzeug's.
 */
const hashForms = [
  /^\$[a-z0-9_-]{1,32}[$,]/i,
  /^\{(s?sha|s?md5|crypt|bcrypt|blf-crypt|pbkdf2|argon2|scram|scrypt)[\w.-]*\}/i,
  /^(scram-sha-\d+|pbkdf2_\w+|bcrypt(_\w+)?|argon2|scrypt)\$/i,
  /^(pbkdf2|scrypt):[\w:-]+\$/i,
  /^md5[0-9a-f]{32}$/,
];

/** Whether a password in the file of users is the hash of one. */
export function isHash(value: string): boolean {
  return hashForms.some((form) => form.test(value));
}

const wayOut = "raftlite hash-password makes one that is, also of a password that looks so itself";

/** Throws a PasswordFormatError for a hash that is not read, or costs too much to compare. */
export function checkHash(value: string): void {
  if (value.startsWith("$2")) return checkBcrypt(value);
  if (value.startsWith("$argon2id$")) return checkArgon2(value);
  if (!value.startsWith("$scrypt$")) {
    throw new PasswordFormatError(
      `of a kind that is not read (bcrypt, scrypt and Argon2id are): ${wayOut}`,
    );
  }
  if (parseScrypt(value) === undefined) {
    throw new PasswordFormatError("that is no whole scrypt hash, or one with too high a cost");
  }
}

/** Bounds of bcrypt's cost: each more doubles the work, and 2^16 rounds take seconds. */
const bcryptCost = { min: 4, max: 16 };

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

/** Of both that need memory: bytes of it, and their parallelism. */
const memoryBytesMax = 256 * 1024 * 1024;
const lanesMax = 16;

export interface ScryptHash {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** `$scrypt$ln=15,r=8,p=1$salt$key`, in base64 without padding; undefined when it is none, or too dear. */
export function parseScrypt(text: string): ScryptHash | undefined {
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,88})\$([A-Za-z0-9+/]{22,88})$/
      .exec(text);
  if (match === null) return undefined;
  const [ln = 0, r = 0, p = 0] = match.slice(1, 4).map(Number);
  if (ln < 1 || r < 1 || p < 1 || p > lanesMax) return undefined;
  // 128·r·2^ln bytes.
  if (128 * r * 2 ** ln > memoryBytesMax) return undefined;
  const [salt, key] = match.slice(4).map(bytesOf);
  return salt === undefined || key === undefined ? undefined : { ln, r, p, salt, key };
}

export function writeScrypt({ ln, r, p, salt, key }: ScryptHash): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "");
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(key)}`;
}

export interface Argon2Hash {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** KiB written in all passes: a gigabyte takes about two seconds. */
const argon2WorkMax = 1024 * 1024;

/** `$argon2id$v=19$m=65536,t=3,p=4$salt$key` (RFC 9106); undefined when it is none, or too dear. */
export function parseArgon2(text: string): Argon2Hash | undefined {
  const match =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})$/
      .exec(text);
  if (match === null) return undefined;
  const [memoryKiB = 0, passes = 0, lanes = 0] = match.slice(1, 4).map(Number);
  if (passes < 1 || lanes < 1 || lanes > lanesMax || memoryKiB < 8 * lanes) return undefined;
  if (memoryKiB * 1024 > memoryBytesMax || memoryKiB * passes > argon2WorkMax) return undefined;
  const [salt, key] = match.slice(4).map(bytesOf);
  return salt === undefined || key === undefined
    ? undefined
    : { memoryKiB, passes, lanes, salt, key };
}

/** WebCrypto as far as Deno's types do not know it yet: https://wicg.github.io/webcrypto-modern-algos/ */
const { supports } = SubtleCrypto as {
  supports?: (operation: string, algorithm: string) => boolean;
};

function checkArgon2(value: string): void {
  if (parseArgon2(value) === undefined) {
    throw new PasswordFormatError(
      "that is no whole Argon2id hash of version 19, or one with too high a cost",
    );
  }
  if (supports?.("importKey", "Argon2id") !== true) {
    throw new PasswordFormatError(
      `of Argon2id, which this Deno (${Deno.version.deno}) cannot compute: take Deno 2.9 or newer, or a hash of raftlite hash-password`,
    );
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}
