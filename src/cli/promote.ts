import { parseOptions } from "./command_options.ts";
import { nodeAccessOf, nodeLongNames, nodeOptions } from "./node_access.ts";
import { print, printError } from "./output.ts";
import { Client } from "./shell/client.ts";
import { isObject, parseExact } from "./shell/exact_json.ts";
import { ShellError } from "./shell/shell_error.ts";
import { accessHelp, accessVariablesHelp } from "./client_access.ts";

const page = `Usage: raftlite promote [flags]

Makes a standby (raftlite standby) a cluster of its own, of one node, which others can join. First it
applies all that the archive has; then it takes writes. The cluster that it followed must be gone for
good, or stopped: nothing keeps two clusters apart but whoever writes to them.

  -H, -host HOST            The standby's address (default 127.0.0.1)
  -p, -port PORT            Its HTTP port (default 4001)
  -s, -scheme SCHEME        http or https (default http)
      -as-is                With what it has, where the archive cannot be read to its end
  -t, -http-timeout TIME    How long to catch up with the archive (default 30s)
${accessHelp}

${accessVariablesHelp}
`;

/** The flags of raftlite promote, as parseArgs takes them. */
export const promoteOptions = {
  ...nodeOptions,
  "as-is": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export const promoteLongNames: ReadonlyMap<string, string> = new Map(nodeLongNames);

/** Between two looks whether the node is back, and how long to look, in ms. */
const lookMs = 250;
const lookMsMax = 60_000;

/** raftlite promote: asks a standby to become a cluster, and waits until it is one. */
export async function promoteCommand(args: readonly string[]): Promise<number> {
  const values = parseOptions(args, promoteOptions, promoteLongNames);
  if (values.help) {
    print(page);
    return 0;
  }
  const access = nodeAccessOf(values, Deno.env.get("RQLITE_HOST"));
  const client = new Client(access, () => {});
  const { signal } = new AbortController();
  try {
    const text = await client.text({
      method: "POST",
      path: "promote",
      parameters: {
        timeout: `${access.timeoutMs}ms`,
        ...(values["as-is"] ? { as_is: "" } : {}),
      },
      repeatable: false,
      unhurried: true,
    }, signal);
    const report = parseExact(text);
    if (!isObject(report)) throw new ShellError(`Not the answer of a standby: ${text}`);
    print(`Promoted at index ${report.index}${lastWrite(report)}: cluster ${report.cluster_id}\n`);
    if (report.complete !== true) print("The archive may have had more, which is not in it.\n");
    if (report.damage !== undefined) {
      print(
        `It is damaged: ${report.damage}. What needs that page fails, and a write that does ends the node.\n`,
      );
    }
    await untilReady(client, signal);
    print(`${client.url} takes writes\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    printError(`fatal: ${error.message}\n`);
    return 1;
  }
}

function lastWrite({ last_write_time: time }: Record<string, unknown>): string {
  return typeof time === "string" ? `, whose last write is of ${time}` : "";
}

/** Throws a ShellError when the node does not come up as one that leads. */
async function untilReady(client: Client, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + lookMsMax;
  for (let last = "it does not answer";;) {
    try {
      const { status, text } = await client.call(
        { method: "GET", path: "readyz", repeatable: true },
        signal,
      );
      if (status === 200 && text.includes("leader ok")) return;
      last = text.trim();
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
    }
    if (performance.now() > deadline) {
      throw new ShellError(`It is promoted, but not ready after a minute: ${last}; see its log`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
