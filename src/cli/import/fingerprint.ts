import { createHash } from "node:crypto";
import { ImportError } from "./types.ts";

const newline = 0x0a;

/**
 * SHA-256 of a file, in hex. `isText`: throws an ImportError where it is no UTF-8, since what is
 * decoded later would be another text without a word.
 */
export async function fingerprint(path: string, isText: boolean): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const buffer = new Uint8Array(1024 * 1024);
  let line = 1;
  for (;;) {
    const length = await file.read(buffer);
    const bytes = buffer.subarray(0, length ?? 0);
    if (isText) {
      try {
        decoder.decode(bytes, { stream: length !== null });
      } catch {
        throw new ImportError(
          `Line ${lineOfFault(bytes, line)} is no UTF-8: convert ${path} first, with iconv say`,
        );
      }
    }
    if (length === null) return hash.digest("hex");
    hash.update(bytes);
    for (let at = bytes.indexOf(newline); isText && at >= 0; at = bytes.indexOf(newline, at + 1)) {
      line++;
    }
  }
}

/** Which line is no UTF-8, in bytes that begin on `line` and may begin within a character. */
function lineOfFault(bytes: Uint8Array, line: number): number {
  const strict = new TextDecoder("utf-8", { fatal: true });
  let number = line;
  let from = 0;
  while (from < 3 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  for (let end = bytes.indexOf(newline, from); end >= 0; end = bytes.indexOf(newline, from)) {
    try {
      strict.decode(bytes.subarray(from, end));
    } catch {
      return number;
    }
    from = end + 1;
    number++;
  }
  return number;
}
