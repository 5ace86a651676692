import { createInterface } from "node:readline";
import process from "node:process";
import { messageOf } from "../../base/message_of.ts";
import { print, printError } from "../output.ts";
import { version } from "../version.ts";
import { Client } from "./client.ts";
import { parseShellFlags, shellHelp } from "./flags.ts";
import { History } from "./history.ts";
import { runLines } from "./run_lines.ts";
import { Session } from "./session.ts";
import { initialSettings } from "./settings.ts";
import { ShellError } from "./shell_error.ts";
import { Terminal } from "./terminal.ts";

/** The sub-command in which a person, or a script, works with a node. */
export async function shell(args: readonly string[]): Promise<number> {
  const options = parseShellFlags(args, Deno.env.get("RQLITE_HOST"));
  if (options === "help" || options === "version") {
    print(options === "help" ? shellHelp : `raftlite ${version}\n`);
    return 0;
  }
  const client = new Client(options, (lost, now) => {
    printError(`Node ${lost} is lost: going on with ${now}\n`);
  });
  try {
    const serverVersion = await connect(client);
    const session = new Session(client, initialSettings(options.mode));
    if (!Deno.stdin.isTerminal()) return await runPipe(session);
    print("Welcome to the raftlite shell.\n");
    print('Enter ".help" for usage hints. A statement ends with a semicolon or an empty line.\n');
    print(`Connected to ${client.url} running version ${serverVersion}\n`);
    await new Terminal(session, History.ofUser()).run();
    print("bye~\n");
    return 0;
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    printError(`Error: ${messageOf(error)}\n`);
    return 1;
  }
}

/** The version that a node gives itself; throws a ShellError when none answers. */
async function connect(client: Client): Promise<string> {
  const { url } = client;
  try {
    const call = { method: "GET", path: "status", repeatable: true } as const;
    const { serverVersion } = await client.call(call, new AbortController().signal);
    return serverVersion ?? "unknown";
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    throw new ShellError(`Unable to connect to ${url} - is it running? ${error.message}`);
  }
}

async function runPipe(session: Session): Promise<number> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity, terminal: false });
  await runLines(session, lines, new AbortController().signal);
  return session.failures > 0 ? 1 : 0;
}
