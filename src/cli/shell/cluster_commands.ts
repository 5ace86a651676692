import type { Call } from "./client.ts";
import type { DotCommand, DotCommands } from "./dot_commands.ts";
import { isObject, parseExact } from "./exact_json.ts";
import { reportText } from "./report.ts";
import type { Session } from "./session.ts";
import { ShellError } from "./shell_error.ts";
import { statementsCommand } from "./statements_command.ts";
import { watchCommand } from "./watch_command.ts";

function get(path: string, parameters: Record<string, string> = {}): Call {
  return { method: "GET", path, parameters, repeatable: true };
}

/** A command that shows what a path answers, or the one part of it that is asked for. */
function reportCommand(path: string, help: string): DotCommand {
  return {
    usage: "[KEY]",
    help,
    async run({ client, output }, key, signal) {
      const report = parseExact(await client.text(get(path), signal));
      if (key === "") return output.write(reportText(report));
      if (!isObject(report) || !Object.hasOwn(report, key)) {
        throw new ShellError(`No ${key} in the answer of /${path}`);
      }
      output.write(reportText({ [key]: report[key] }));
    },
  };
}

const extensions: DotCommand = {
  help: "Show loaded SQLite extensions",
  async run({ client, output }, _argument, signal) {
    const { status, text } = await client.call(get("status", { key: "extensions" }), signal);
    const report = status === 200 ? parseExact(text) : {};
    const names = isObject(report) && Array.isArray(report.names) ? report.names : [];
    output.write(names.map((name) => `${name}\n`).join(""));
  },
};

const nodes: DotCommand = {
  usage: "[all]",
  help: "Show connection status of voting nodes. 'all' to show all nodes",
  choices: ["all"],
  async run({ client, output }, argument, signal) {
    const call = get("nodes", argument === "" ? {} : { nonvoters: "" });
    output.write(reportText(parseExact(await client.text(call, signal))));
  },
};

const leader: DotCommand = {
  help: "Show the current cluster leader",
  async run({ client, output }, _argument, signal) {
    const members = parseExact(await client.text(get("nodes"), signal));
    const found = Object.entries(isObject(members) ? members : {})
      .find(([, member]) => isObject(member) && member.leader === true);
    if (found === undefined) throw new ShellError("No leader found: the cluster has none now");
    output.write(reportText(Object.fromEntries([found])));
  },
};

const ready: DotCommand = {
  help: "Show ready status for connected node",
  async run({ client, output }, _argument, signal) {
    const { status } = await client.call(get("readyz"), signal);
    output.write(status === 200 ? "ready\n" : "not ready\n");
  },
};

const reap: DotCommand = {
  help: "Request a snapshot reap on connected node",
  async run(session, _argument, signal) {
    const answer = parseExact(await post(session, { path: "reap", parameters: {} }, signal));
    const { snapshots_reaped = 0, wals_checkpointed = 0 } = isObject(answer) ? answer : {};
    session.output.write(
      `snapshots reaped: ${snapshots_reaped}, WALs checkpointed: ${wals_checkpointed}\n`,
    );
  },
};

const remove: DotCommand = {
  usage: "NODEID",
  help: "Remove node NODEID from the cluster",
  async run({ client }, id, signal) {
    if (id === "") throw new ShellError("Command .remove needs the ID of a node: see .nodes all");
    await client.text({
      method: "DELETE",
      path: "remove",
      body: JSON.stringify({ id }),
      contentType: "application/json",
      repeatable: true,
    }, signal);
  },
};

const snapshot: DotCommand = {
  usage: "[TRAILINGLOGS]",
  help: "Request a Raft snapshot and log truncation on connected node",
  async run(session, argument, signal) {
    if (!/^\d{0,15}$/.test(argument)) {
      throw new ShellError(`Invalid number of trailing logs: ${argument}`);
    }
    const parameters = { trailing_logs: argument || "0" };
    await post(session, { path: "snapshot", parameters }, signal);
  },
};

const stepDown: DotCommand = {
  usage: "[NODEID]",
  help: "Instruct the leader to stepdown, optionally specifying new Leader node",
  async run(session, id, signal) {
    const body = id === ""
      ? {}
      : { body: JSON.stringify({ id }), contentType: "application/json" } as const;
    await post(session, { path: "leader", parameters: { wait: "true" }, ...body }, signal);
  },
};

const upgrade: DotCommand = {
  usage: "[yes]",
  help: "Show which versions of clusters the nodes understand; 'yes' to raise the cluster's",
  choices: ["yes"],
  async run(session, argument, signal) {
    const { client, output } = session;
    if (argument === "yes") {
      const answer = await post(session, { path: "upgrade", parameters: {} }, signal);
      return output.write(reportText(parseExact(answer)));
    }
    if (argument !== "") throw new ShellError(`Invalid argument: ${argument} is not yes`);
    const report = parseExact(await client.text(get("upgrade"), signal));
    output.write(reportText(report));
    if (!isObject(report) || report.can_be_raised !== true) return;
    output.write(
      "\nOnce the version is raised, no older release can take part, nor read what a node has\n" +
        "written: there is no way back. Enter .upgrade yes to raise it.\n",
    );
  },
};

async function post(
  { client }: Session,
  call: Omit<Call, "method" | "repeatable">,
  signal: AbortSignal,
): Promise<string> {
  return await client.text({ ...call, method: "POST", repeatable: false }, signal);
}

/** Commands that deal with nodes and their cluster. */
export const clusterCommands: DotCommands = {
  expvar: reportCommand("debug/vars", "Show expvar (runtime) information for connected node"),
  extensions,
  leader,
  nodes,
  ready,
  reap,
  remove,
  snapshot,
  statements: statementsCommand,
  watch: watchCommand,
  status: reportCommand("status", "Show status and diagnostic information for connected node"),
  stepdown: stepDown,
  upgrade,
};
