import { createHash } from "node:crypto";

/** What a client says of who it is, by its Authorization header. */
export type Credentials =
  | {
    readonly type: "password";
    readonly username: string;
    readonly password: Uint8Array<ArrayBuffer>;
  }
  /** The token's SHA-256 in hexadecimal digits. */
  | { readonly type: "token"; readonly hash: string };

/** No longer than any name or password has to be, in characters. */
const headerLengthMax = 4096;

/**
 * What an Authorization header says: Basic (RFC 7617) or Bearer (RFC 6750), in large or small letters.
 * Undefined for none, for another scheme, and for what cannot be decoded: anonymous, as in rqlite.
 */
export function credentialsIn(header: string | null): Credentials | undefined {
  if (header === null || header.length > headerLengthMax) return undefined;
  const space = header.indexOf(" ");
  const rest = header.slice(space + 1).trim();
  switch (header.slice(0, space).toLowerCase()) {
    case "basic":
      return basic(rest);
    case "bearer":
      return { type: "token", hash: tokenHash(rest) };
    default:
      return undefined;
  }
}

function basic(encoded: string): Credentials | undefined {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
  const colon = bytes.indexOf(0x3a);
  if (colon < 1) return undefined;
  try {
    const username = decoder.decode(bytes.subarray(0, colon));
    return { type: "password", username, password: bytes.subarray(colon + 1) };
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A token as the file of users keeps it: its 256 random bits need no slow hash. */
export function tokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
