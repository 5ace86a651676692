import { ImportError, rowBytesMax } from "./types.ts";

/** A line of a text, without its end. */
export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Behind its end, in the file. */
  readonly bytes: number;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array, number: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new ImportError(`Line ${number} is no UTF-8: convert the file first, with iconv say`);
  }
}

/** The lines of a file in UTF-8, one by one. Throws an ImportError for one that is too long, or none. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(256 * 1024);
  let rest = new Uint8Array();
  let number = 0;
  let bytes = 0;
  const line = (part: Uint8Array, end: number): Line => {
    const from = ++number === 1 && part[0] === 0xef && part[1] === 0xbb && part[2] === 0xbf ? 3 : 0;
    bytes += part.length + end;
    const to = part.at(-1) === carriageReturn ? part.length - 1 : part.length;
    return { text: textOf(part.subarray(from, to), number), number, bytes };
  };
  for (;;) {
    const length = await file.read(buffer);
    if (length === null) break;
    const joined = new Uint8Array(rest.length + length);
    joined.set(rest);
    joined.set(buffer.subarray(0, length), rest.length);
    let at = 0;
    for (
      let end = joined.indexOf(newline, rest.length);
      end >= 0;
      end = joined.indexOf(newline, at)
    ) {
      yield line(joined.subarray(at, end), 1);
      at = end + 1;
    }
    rest = joined.slice(at);
    if (rest.length > rowBytesMax) {
      throw new ImportError(`Line ${number + 1} is longer than ${rowBytesMax} bytes`);
    }
  }
  if (rest.length > 0) yield line(rest, 0);
}
