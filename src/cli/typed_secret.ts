import { FlagError } from "./flag_error.ts";
import { printError } from "./output.ts";

/** Longer than any password. */
const bytesMax = 1024;

const enter = [0x0a, 0x0d];
const erase = [0x08, 0x7f];
/** Ctrl-C, and Ctrl-D on an empty line. */
const interrupt = 0x03;
const endOfInput = 0x04;

/** One line from the terminal at standard input, which shows nothing of it; throws a FlagError. */
export function typedSecret(question: string): Uint8Array {
  const typed: number[] = [];
  // Before the question: what is typed at once on seeing it must not be shown either.
  Deno.stdin.setRaw(true);
  try {
    printError(question);
    for (;;) {
      const byte = readByte();
      if (byte === undefined || enter.includes(byte)) return new Uint8Array(typed);
      if (byte === interrupt || (byte === endOfInput && typed.length === 0)) {
        throw new FlagError(1, "No password was given");
      }
      if (erase.includes(byte)) eraseCharacter(typed);
      else typed.push(byte);
      checkLength(typed.length);
    }
  } finally {
    Deno.stdin.setRaw(false);
    printError("\n");
  }
}

/** One line from whatever standard input is; throws a FlagError. */
export function readSecretLine(): Uint8Array {
  const line: number[] = [];
  for (;;) {
    const byte = readByte();
    if (byte === undefined || byte === 0x0a) break;
    line.push(byte);
    checkLength(line.length);
  }
  if (line.at(-1) === 0x0d) line.pop();
  return new Uint8Array(line);
}

/** Takes the last character away, all bytes of it. */
function eraseCharacter(typed: number[]): void {
  let last = typed.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = typed.pop();
}

function checkLength(bytes: number): void {
  if (bytes > bytesMax) throw new FlagError(1, `The password has more than ${bytesMax} bytes`);
}

function readByte(): number | undefined {
  const byte = new Uint8Array(1);
  return Deno.stdin.readSync(byte) === null ? undefined : byte[0];
}
