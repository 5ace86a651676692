import {
  accessHelp,
  accessLongNames,
  accessOf,
  accessOptions,
  accessVariablesHelp,
  givenSecrets,
} from "./client_access.ts";
import { parseOptionsAndNames } from "./command_options.ts";
import { nodeUrl } from "./node_url.ts";
import { print, printError } from "./output.ts";
import { Client } from "./shell/client.ts";
import { isObject, parseExact } from "./shell/exact_json.ts";
import { ShellError } from "./shell/shell_error.ts";

const page = `Usage: raftlite verify [flags] URL

Has all nodes of a running cluster compare their copies of the database, and waits for what comes of
it: each reads its copy as it is at the same place of the log, slowly, while it goes on. A copy that
differs from most leaves the reads, and is replaced by the leader's. Asks for the permission
leader-ops.

  URL   any node, like http://10.0.0.1:4001

      -json                 Print the report as JSON
      -no-wait              Only begin it; GET /verify shows how far it is
${accessHelp}

${accessVariablesHelp}

The exit code is 0 when all copies were compared and are alike, 1 otherwise, 2 for a command line that
cannot be read.
`;

/** The flags of raftlite verify, as parseArgs takes them. */
export const verifyOptions = {
  json: { type: "boolean", default: false },
  "no-wait": { type: "boolean", default: false },
  ...accessOptions,
  help: { type: "boolean", default: false },
} as const;

export const verifyLongNames: ReadonlyMap<string, string> = new Map(accessLongNames);

/** Between two looks whether it is done, in ms: it doubles from the first to the second. */
const lookMsMin = 100;
const lookMsMax = 5_000;
const answerMs = 30_000;

/** raftlite verify: has all copies of the database compared. */
export async function verifyCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptionsAndNames(args, verifyOptions, verifyLongNames);
  const [name, ...more] = positionals;
  if (values.help || name === undefined || more.length > 0) {
    print(page);
    return values.help ? 0 : 2;
  }
  const { protocol, host, pathname } = nodeUrl(name);
  const client = new Client({
    ...accessOf(values, givenSecrets),
    scheme: protocol === "https:" ? "https" : "http",
    hosts: [host],
    prefix: `/${pathname}/`.replace(/\/+/g, "/"),
    timeoutMs: answerMs,
  }, () => {});
  const { signal } = new AbortController();
  const ask = async (method: "GET" | "POST") => {
    const text = await client.text({ method, path: "verify", repeatable: true }, signal);
    const report = parseExact(text);
    if (!isObject(report)) throw new ShellError(`Not the answer of a node: ${text}`);
    return { text, report };
  };
  try {
    let { text, report } = await ask("POST");
    for (
      let waitMs = lookMsMin;
      report.state === "running" && !values["no-wait"];
      waitMs = Math.min(lookMsMax, 2 * waitMs)
    ) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      ({ text, report } = await ask("GET"));
    }
    print(values.json ? text : `${report.message}\n`);
    return values["no-wait"] || isFine(report) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    printError(`fatal: ${error.message}\n`);
    return 1;
  }
}

function isFine({ state, copies, not_compared: unread }: Record<string, unknown>): boolean {
  return state === "done" && unread === undefined && isObject(copies) &&
    Object.values(copies).every((copy) => isObject(copy) && copy.verdict === "same");
}
