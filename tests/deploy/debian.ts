/**
 * Installs, starts, upgrades, removes and purges the Debian package of a compiled program, on a
 * machine of its own with systemd: `deno task test:debian PATH`.
 */

import { strict as assert } from "node:assert";
import { packageProgram } from "../../tools/debian_package.ts";
import { eventually } from "../cluster/harness.ts";
import { Machine, machineTests } from "./machine.ts";

const [program = "dist/raftlite"] = Deno.args;
const configuration = "/etc/raftlite/raftlite.conf";
const api = "http://127.0.0.1:4001";

const test = machineTests(await Machine.whyNone() ?? await whyNoPackage());

async function whyNoPackage(): Promise<string | undefined> {
  try {
    await new Deno.Command("dpkg-deb", { args: ["--version"] }).output();
    return undefined;
  } catch {
    return "there is no dpkg-deb";
  }
}

/** A package of that revision, which is removed when the test is over. */
async function packed(revision: string): Promise<{ path: string } & AsyncDisposable> {
  const path = await packageProgram(program, { revision, quick: true });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

async function execute(machine: Machine, sql: string): Promise<string> {
  const json = ["-H", "Content-Type: application/json", "-d", JSON.stringify([[sql]])];
  const answer = await machine.must("curl", "-sSf", `${api}/db/request`, ...json);
  assert.doesNotMatch(answer, /error/);
  return answer;
}

async function leads(machine: Machine): Promise<void> {
  await eventually(
    "its leader",
    async () => (await machine.run("curl", "-sSf", `${api}/readyz`)).code === 0,
  );
}

/** Of those paths the ones that are there. */
async function there(machine: Machine, ...paths: string[]): Promise<string[]> {
  const { output } = await machine.run("sh", "-c", `ls -d ${paths.join(" ")} 2>/dev/null`);
  return output.trim().split("\n").filter((line) => line !== "");
}

const state = (machine: Machine) => machine.property("raftlite", "ActiveState");

test("the Debian package installs, starts, upgrades, goes and comes back, and leaves nothing when purged", async () => {
  await using first = await packed("test1");
  await using second = await packed("test2");
  await using machine = await Machine.start({
    [first.path]: "/srv/first.deb",
    [second.path]: "/srv/second.deb",
  });
  await machine.must("dpkg", "-i", "/srv/first.deb");
  assert.equal(await state(machine), "inactive", "It must not begin a cluster unasked");
  assert.equal(
    (await machine.must("stat", "-c", "%U %G %a", "/var/lib/raftlite")).trim(),
    "raftlite raftlite 700",
  );
  assert.equal((await machine.must("systemd-analyze", "verify", "raftlite.service")).trim(), "");
  assert.match(await machine.must("raftlite", "-version"), /^raftlite \d/);
  assert.match(
    await machine.must(
      "bash",
      "-c",
      ". /usr/share/bash-completion/completions/raftlite; complete -p raftlite",
    ),
    /-F \w+ raftlite/,
  );
  const page = await machine.run("sh", "-c", "zcat /usr/share/man/man1/raftlite.1.gz");
  assert.match(page.output, /^\.B \\-node\\-id ID$/m);

  await machine.must("sh", "-c", `echo node-id = kept >>${configuration}`);
  await machine.must("systemctl", "enable", "--now", "raftlite");
  const process = await machine.property("raftlite", "MainPID");
  assert.equal((await machine.must("ps", "-o", "user=", "-p", process)).trim(), "raftlite");
  await leads(machine);
  await execute(machine, "CREATE TABLE t (v)");
  await execute(machine, "INSERT INTO t VALUES ('row')");
  const rows = /"values":\[\["row"\]\]/;

  await machine.must("dpkg", "-i", "/srv/second.deb");
  // By now it runs anew: the upgrade is over when it answers.
  await machine.must("curl", "-sSf", `${api}/readyz?noleader`);
  assert.notEqual(await machine.property("raftlite", "MainPID"), process);
  assert.match(await machine.must("cat", configuration), /^node-id = kept$/m);
  await leads(machine);
  assert.match(await execute(machine, "SELECT v FROM t"), rows);
  assert.match(await machine.must("curl", "-sSf", `${api}/nodes`), /"kept"/);

  await machine.must("dpkg", "-r", "raftlite");
  assert.deepEqual(
    await there(machine, "/usr/bin/raftlite", configuration, "/var/lib/raftlite/raft"),
    [configuration, "/var/lib/raftlite/raft"],
  );
  const { code } = await machine.run("curl", "-sSf", `${api}/readyz?noleader`);
  assert.notEqual(code, 0, "It ran on");

  await machine.must("dpkg", "-i", "/srv/second.deb");
  await machine.must("systemctl", "start", "raftlite");
  await leads(machine);
  assert.match(await execute(machine, "SELECT v FROM t"), rows);

  await machine.must("dpkg", "-P", "raftlite");
  assert.deepEqual(
    await there(machine, "/etc/raftlite", "/var/*/raftlite", "/etc/systemd/system/*/raftlite*"),
    [],
  );
  const left = await machine.run(
    "sh",
    "-c",
    "find / -xdev -name '*raftlite*' ! -path '/srv/*' ! -path '/proc/*' -newer /srv/first.deb",
  );
  assert.deepEqual(left.output.split("\n").filter((line) => /^\/(etc|usr|var)\//.test(line)), []);
  assert.notEqual((await machine.run("id", "raftlite")).code, 0);
  assert.equal((await machine.run("dpkg", "-s", "raftlite")).code, 1);

  // As when an image is made: there is a systemd, and it does not run.
  const without = (command: string) =>
    machine.must("unshare", "--mount", "sh", "-c", `mount -t tmpfs tmpfs /run && ${command}`);
  await without("dpkg -i /srv/first.deb");
  assert.deepEqual(await there(machine, "/var/lib/raftlite"), ["/var/lib/raftlite"]);
  await without("dpkg -P raftlite");
  assert.deepEqual(await there(machine, "/var/lib/raftlite", "/etc/raftlite"), []);
});
