import { Buffer } from "node:buffer";
import { tokenHash } from "../access/credentials.ts";
import { wantsPage } from "./command_options.ts";
import { FlagError } from "./flag_error.ts";
import { print, printError } from "./output.ts";

const page = `Usage: raftlite new-token NAME [EXPIRES]

Makes a token of 256 random bits, which a client sends as "Authorization: Bearer TOKEN". Prints the
token, which is kept nowhere, and what goes into "tokens" of its user's entry in the file of users
(-auth). EXPIRES is a date such as 2027-01-01T00:00:00Z; without it, the token never ends.
`;

/** raftlite new-token: makes a token and its line for the file of users. */
export function newToken(args: readonly string[]): Promise<number> {
  if (wantsPage(args)) {
    print(page);
    return Promise.resolve(0);
  }
  const [name = "", expires, ...others] = args;
  if (name === "" || name.startsWith("-") || others.length > 0) {
    throw new FlagError(2, "new-token takes a name, and perhaps a date: raftlite new-token ci");
  }
  if (expires !== undefined && Number.isNaN(Date.parse(expires))) {
    throw new FlagError(1, `${JSON.stringify(expires)} is no date such as 2027-01-01T00:00:00Z`);
  }
  const token = `rl_${
    Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url")
  }`;
  const end = expires === undefined ? {} : { expires: new Date(expires).toISOString() };
  printError("The token, which is shown only here, and its line for the file of users:\n");
  print(`${token}\n${JSON.stringify({ name, hash: `sha256:${tokenHash(token)}`, ...end })}\n`);
  return Promise.resolve(0);
}
