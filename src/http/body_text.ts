/** Both keep a byte order mark, which JSON does not allow. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** A body of JSON as text: bytes that are no UTF-8 become U+FFFD, as in Go. */
export function jsonText(body: Uint8Array): string {
  return lenient.decode(body);
}

/** A body of SQL as text; undefined when it is no UTF-8, since to mend it would change what it writes. */
export function sqlText(body: Uint8Array): string | undefined {
  try {
    return strict.decode(body);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** How rqlite refuses such SQL. */
export const notUtf8 = "string field contains invalid UTF-8";
