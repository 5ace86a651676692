import { scryptSync, timingSafeEqual } from "node:crypto";
import bcrypt from "bcryptjs";
import { parseScrypt, type ScryptHash, writeScrypt } from "./password.ts";

/** 2^15 blocks of 1 KiB: 32 MiB and about a tenth of a second for each try (OWASP's table). */
const cost = { ln: 15, r: 8, p: 3 };
const keyBytes = 32;

/** A hash of a password for the file of users, with a salt of its own. Takes some tenths of a second. */
export function hashPassword(password: Uint8Array, salt: Uint8Array<ArrayBuffer>): string {
  return writeScrypt({ ...cost, salt, key: scrypt(password, { ...cost, salt }, keyBytes) });
}

/** Whether `hash`, which a `Password` has accepted, is one of this password: slow on purpose. */
export function matchesHash(password: Uint8Array, hash: string): boolean {
  if (hash.startsWith("$2")) return bcrypt.compareSync(new TextDecoder().decode(password), hash);
  const parsed = parseScrypt(hash);
  if (parsed === undefined) return false;
  return timingSafeEqual(scrypt(password, parsed, parsed.key.length), parsed.key);
}

function scrypt(
  password: Uint8Array,
  { ln, r, p, salt }: Omit<ScryptHash, "key">,
  length: number,
): Uint8Array<ArrayBuffer> {
  const N = 2 ** ln;
  const maxmem = 2 * 128 * r * (N + p);
  return new Uint8Array(scryptSync(password, salt, length, { N, r, p, maxmem }));
}
