import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { findLibrary } from "../../src/sqlite/find_library.ts";
import { eventually } from "../cluster/harness.ts";
import { FailingDisk } from "../store/failing_disk.ts";
import { Machine, machineTests } from "./machine.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const unitPath = "/etc/systemd/system/raftlite.service";
const api = "http://127.0.0.1:4001";
const libraryPath = "/usr/local/lib/raftlite/libsqlite3.so";

const test = machineTests(await Machine.whyNone());

/** What Deno and the program need, where a service's user may see it. */
async function programFiles(): Promise<Record<string, string>> {
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], cwd: root })
    .output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
  const library = await findLibrary();
  return {
    [root.replace(/\/$/, "")]: "/srv/raftlite",
    [Deno.execPath()]: "/srv/deno",
    [denoDir]: "/srv/deno-dir",
    ...(library.path.startsWith("/") ? { [library.path]: "/srv/libsqlite3.so" } : {}),
  };
}

/** What the test needs beside the unit as it is printed: no network is there to fetch anything by. */
const dropIn = `[Service]
Environment=DENO_DIR=/srv/deno-dir DENO_NO_UPDATE_CHECK=1 DENO_SQLITE_PATH=${libraryPath}
StandardError=append:/run/raftlite.log
RestartSec=100ms
`;

/** A machine with the unit that the program prints for these flags, not started yet. */
async function machineWithUnit(
  shown: Readonly<Record<string, string>> = {},
  settings = "",
): Promise<Machine> {
  await using undo = new AsyncDisposableStack();
  const machine = undo.use(await Machine.start({ ...await programFiles(), ...shown }));
  const program = "DENO_DIR=/srv/deno-dir /srv/deno run -A --quiet /srv/raftlite/main.ts";
  await machine.must("sh", "-c", `${program} systemd-unit -node-id one >${unitPath}`);
  // Whoever built it may have kept it to himself.
  await machine.must("install", "-D", "-m", "755", "/srv/libsqlite3.so", libraryPath);
  await machine.write(`${unitPath}.d/test.conf`, dropIn + settings);
  await machine.must("systemctl", "daemon-reload");
  undo.move();
  return machine;
}

const logOf = (machine: Machine) => machine.must("cat", "/run/raftlite.log");

async function write(machine: Machine, sql: string): Promise<void> {
  const json = ["-H", "Content-Type: application/json", "-d", JSON.stringify([sql])];
  const answer = await machine.must("curl", "-sSf", `${api}/db/execute`, ...json);
  assert.doesNotMatch(answer, /error/);
}

async function count(machine: Machine): Promise<string> {
  const query = "q=SELECT count(*) FROM t";
  return await machine.must("curl", "-sSfG", `${api}/db/query`, "--data-urlencode", query);
}

const restarts = async (machine: Machine) =>
  Number(await machine.property("raftlite", "NRestarts"));

/** Waits until systemd has started the service anew more often than that, and it is ready. */
async function restarted(machine: Machine, before: number): Promise<void> {
  await eventually("systemd to start the node anew", async () =>
    await restarts(machine) > before &&
    await machine.property("raftlite", "ActiveState") === "active");
}

test("systemd knows by the printed unit when a node is up, reloads, and is down", async () => {
  await using machine = await machineWithUnit();
  await machine.must("systemctl", "start", "raftlite");
  // At once, without waiting: the start is over when the node answers.
  await machine.must("curl", "-sSf", `${api}/readyz?noleader`);
  await eventually(
    "its status",
    async () => await machine.property("raftlite", "StatusText") === "Leads the cluster",
  );
  await write(machine, "CREATE TABLE t (v)");
  await write(machine, "INSERT INTO t VALUES (1)");
  await machine.must("systemctl", "reload", "raftlite");
  assert.equal(await machine.property("raftlite", "ActiveState"), "active");
  await eventually("the reload", async () => (await logOf(machine)).includes("SIGHUP"));
  assert.equal(await machine.property("raftlite", "NRestarts"), "0");
  await machine.must("systemctl", "stop", "raftlite");
  assert.equal(await machine.property("raftlite", "Result"), "success");
  assert.match(await logOf(machine), /Stopping: SIGTERM/);
});

test("systemd starts a node anew that hangs, and one whose disk does", async () => {
  await using disk = await FailingDisk.make();
  const shown = disk === undefined
    ? {}
    : { [disk.environment.RAFTLITE_TEST_DISK ?? ""]: "/srv/disk" };
  const preload = disk === undefined
    ? ""
    : "Environment=LD_PRELOAD=/srv/disk/failing_disk.so RAFTLITE_TEST_DISK=/srv/disk\n";
  await using machine = await machineWithUnit(shown, `WatchdogSec=3s\n${preload}`);
  if (disk !== undefined) await Deno.chmod(disk.environment.RAFTLITE_TEST_DISK ?? "", 0o755);
  await machine.must("systemctl", "start", "raftlite");
  await write(machine, "CREATE TABLE t (v)");
  let before = await restarts(machine);
  await machine.must("systemctl", "kill", "--signal=SIGSTOP", "--kill-who=main", "raftlite");
  await restarted(machine, before);
  await write(machine, "INSERT INTO t VALUES (1)");
  if (disk === undefined) return;

  before = await restarts(machine);
  // Longer than the watchdog waits, and not much: what the next start is at goes on as long.
  await disk.slowSyncs(6_000, ".log");
  const late = write(machine, "INSERT INTO t VALUES (2)").catch(() => {});
  await eventually("systemd to end the node", async () => await restarts(machine) > before);
  await disk.slowSyncs(undefined, ".log");
  await restarted(machine, before);
  await late;
  assert.match(
    await logOf(machine),
    /The disk has not answered for \d+ s: the service manager gets/,
  );
  await eventually(
    "the row that was acknowledged",
    async () => /\[\[[12]\]\]/.test(await count(machine)),
  );
});
