import { hashPassword } from "../access/password_hash.ts";
import { sameBytes } from "../base/bytes.ts";
import { wantsPage } from "./command_options.ts";
import { FlagError } from "./flag_error.ts";
import { print } from "./output.ts";
import { readSecretLine, typedSecret } from "./typed_secret.ts";

const page = `Usage: raftlite hash-password

Asks for a password, without showing it, and prints a scrypt hash of it: the value of "password" in
the file of users (-auth). Where standard input is no terminal, its first line is the password.
`;

/** raftlite hash-password: makes of a password what the file of users may hold in its place. */
export function hashPasswordCommand(args: readonly string[]): Promise<number> {
  if (wantsPage(args)) {
    print(page);
    return Promise.resolve(0);
  }
  if (args.length > 0) {
    throw new FlagError(2, "hash-password takes no arguments: others could see a password there");
  }
  const password = Deno.stdin.isTerminal() ? askTwice() : readSecretLine();
  if (password.length === 0) throw new FlagError(1, "The password is empty");
  print(`${hashPassword(password, crypto.getRandomValues(new Uint8Array(16)))}\n`);
  return Promise.resolve(0);
}

function askTwice(): Uint8Array {
  const first = typedSecret("Password: ");
  const second = typedSecret("Again: ");
  if (!sameBytes(first, second)) throw new FlagError(1, "These were two different passwords");
  return first;
}
