import { hashPassword } from "../access/password_hash.ts";
import { sameBytes } from "../base/bytes.ts";
import { FlagError } from "./flag_error.ts";
import { print, printError } from "./output.ts";

/** Longer than any password. */
const bytesMax = 1024;

const page = `Usage: raftlite hash-password

Asks for a password, without showing it, and prints a scrypt hash of it: the value of "password" in
the file of users (-auth). Where standard input is no terminal, its first line is the password.
`;

/** raftlite hash-password: makes of a password what the file of users may hold in its place. */
export async function hashPasswordCommand(args: readonly string[]): Promise<number> {
  if (args.some((arg) => /^--?h(elp)?$/.test(arg))) {
    print(page);
    return 0;
  }
  if (args.length > 0) {
    throw new FlagError(2, "hash-password takes no arguments: others could see a password there");
  }
  const password = Deno.stdin.isTerminal() ? await askTwice() : await readLine();
  if (password.length === 0) throw new FlagError(1, "The password is empty");
  print(`${hashPassword(password, crypto.getRandomValues(new Uint8Array(16)))}\n`);
  return 0;
}

async function askTwice(): Promise<Uint8Array> {
  Deno.stdin.setRaw(true);
  try {
    const first = await ask("Password: ");
    const second = await ask("Again: ");
    if (!sameBytes(first, second)) throw new FlagError(1, "These were two different passwords");
    return first;
  } finally {
    Deno.stdin.setRaw(false);
  }
}

const enter = [0x0a, 0x0d];
const erase = [0x08, 0x7f];
/** Ctrl-C, and Ctrl-D on an empty line. */
const interrupt = 0x03;
const endOfInput = 0x04;

/** One line from a terminal that shows nothing of it. */
async function ask(question: string): Promise<Uint8Array> {
  printError(question);
  const typed: number[] = [];
  try {
    for (;;) {
      const byte = await readByte();
      if (byte === undefined || enter.includes(byte)) return new Uint8Array(typed);
      if (byte === interrupt || (byte === endOfInput && typed.length === 0)) {
        throw new FlagError(1, "No password was given");
      }
      if (erase.includes(byte)) eraseCharacter(typed);
      else typed.push(byte);
      checkLength(typed.length);
    }
  } finally {
    printError("\n");
  }
}

/** Takes the last character away, all bytes of it. */
function eraseCharacter(typed: number[]): void {
  let last = typed.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = typed.pop();
}

async function readLine(): Promise<Uint8Array> {
  const line: number[] = [];
  for (;;) {
    const byte = await readByte();
    if (byte === undefined || byte === 0x0a) break;
    line.push(byte);
    checkLength(line.length);
  }
  if (line.at(-1) === 0x0d) line.pop();
  return new Uint8Array(line);
}

function checkLength(bytes: number): void {
  if (bytes > bytesMax) throw new FlagError(1, `The password has more than ${bytesMax} bytes`);
}

async function readByte(): Promise<number | undefined> {
  const byte = new Uint8Array(1);
  return await Deno.stdin.read(byte) === null ? undefined : byte[0];
}
