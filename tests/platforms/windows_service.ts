import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { eventually, type ForeignDeno } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { takePort } from "../ports.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** How long an emulated machine may take for anything. */
const patienceMs = 600_000;

/** The services of an emulated Windows, by its own sc.exe. */
class Services implements AsyncDisposable {
  readonly #foreign: ForeignDeno;
  /** The machine goes off when only services are left on it. */
  readonly #user: Deno.ChildProcess;

  private constructor(foreign: ForeignDeno, user: Deno.ChildProcess) {
    this.#foreign = foreign;
    this.#user = user;
  }

  static async start(foreign: ForeignDeno): Promise<Services> {
    // Services have what the machine's registry says when it starts: their environment, and how long
    // a program may take to report, on a slow machine.
    const control = "HKLM\\System\\CurrentControlSet\\Control";
    const write = (key: string, name: string, type: string, value: string) =>
      command(foreign, "reg", "add", key, "/v", name, "/t", type, "/d", value, "/f").output();
    await write(control, "ServicesPipeTimeout", "REG_DWORD", `${patienceMs}`);
    for (const [name, value] of Object.entries(foreign.environment)) {
      if (name.startsWith("WINE")) continue;
      await write(`${control}\\Session Manager\\Environment`, name, "REG_SZ", value);
    }
    await command(foreign, "wineboot", "-k").output();
    const user = command(foreign, "ping", "-n", "1000000", "127.0.0.1").spawn();
    return new Services(foreign, user);
  }

  async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await command(this.#foreign, ...args).output();
    return new TextDecoder().decode(stdout);
  }

  /** A service that runs the program; `args` without a space. */
  async create(name: string, args: readonly string[]): Promise<void> {
    const [, deno = ""] = this.#foreign.command;
    const { pathOf } = this.#foreign;
    const line = [pathOf(deno), "run", "-A", "--quiet", pathOf(main), "windows-service", ...args];
    await this.run("sc", "create", name, "binPath=", line.join(" "));
  }

  /** Waits until it is in that state; what `sc query` says then. */
  async until(name: string, state: string): Promise<string> {
    let said = "";
    await eventually(() => `${name} to be ${state}\n${said}`, async () => {
      said = await this.run("sc", "query", name);
      return new RegExp(`STATE\\s*: \\d+\\s+${state}`).test(said);
    }, patienceMs);
    return said;
  }

  /** With the machine ends what still runs on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await command(this.#foreign, "wineboot", "-k").output();
    await this.#user.status;
  }
}

function command({ command: [wine], environment }: ForeignDeno, ...args: readonly string[]) {
  return new Deno.Command(wine, {
    args: [...args],
    env: environment,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
}

/** The program as a service: its start, its stop in good order, its return, and what it refuses. */
export async function runWindowsService(foreign: ForeignDeno): Promise<void> {
  await withDirectory(async (directory) => {
    await using services = await Services.start(foreign);
    const logPath = `${directory}/node.log`;
    const log = () => Deno.readTextFile(logPath).catch(() => "");
    const data = foreign.pathOf(`${directory}/data`);
    const http = `127.0.0.1:${takePort()}`;
    const addresses = ["-http-addr", http, "-raft-addr", `127.0.0.1:${takePort()}`];
    await services.create("raftlite", [
      foreign.pathOf(logPath),
      "-node-id",
      "1",
      ...addresses,
      data,
    ]);
    const execute = async (statements: readonly string[]) => {
      const body = JSON.stringify(statements);
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", body, headers };
      const response = await fetch(`http://${http}/db/request?level=strong`, init);
      return await response.text();
    };
    const ready = () =>
      eventually("the node to be ready", async () => {
        const response = await fetch(`http://${http}/readyz`);
        await response.body?.cancel();
        return response.status === 200;
      }, patienceMs);

    await services.run("sc", "start", "raftlite");
    await services.until("raftlite", "RUNNING");
    await ready();
    await execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (7)"]);
    assert.match(await log(), /INFO {2}\[cli\] raftlite .*: node 1, data in /);

    await services.run("sc", "stop", "raftlite");
    assert.match(
      await services.until("raftlite", "STOPPED"),
      /WIN32_EXIT_CODE\s*: 0 [^]*SERVICE_EXIT_CODE\s*: 0 /,
    );
    assert.match(await log(), /Stopping: stop by Windows' service manager\n[^]*\[cli\] Stopped\n/);

    await services.run("sc", "start", "raftlite");
    await services.until("raftlite", "RUNNING");
    await ready();
    assert.match(await execute(["SELECT n FROM t"]), /"values":\[\[7\]\]/);

    // The data are in use: a failure, with its reason in the log.
    const second = `${directory}/second.log`;
    await services.create("second", [foreign.pathOf(second), ...addresses, data]);
    await services.run("sc", "start", "second");
    const said = await services.until("second", "STOPPED");
    assert.match(said, /WIN32_EXIT_CODE\s*: 1066 [^]*SERVICE_EXIT_CODE\s*: 1 /);
    assert.match(await Deno.readTextFile(second), /ERROR \[cli\] fatal: .* is in use by process/);

    await services.run("sc", "stop", "raftlite");
    await services.until("raftlite", "STOPPED");
  });
}
