import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { withDirectory } from "../directory.ts";

const mainFile = fileURLToPath(new URL("../../main.ts", import.meta.url));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
function runProgram(...args: string[]): Promise<Result> {
  return runProgramIn(".", ...args);
}

/** Runs the program to its end in a folder. */
async function runProgramIn(cwd: string, ...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", mainFile, ...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("the program answers -version and -help with exit code 0", async () => {
  const version = await runProgram("-version");
  assert.equal(version.code, 0, version.stderr);
  assert.match(version.stdout, /^raftlite \d+\.\d+\.\d+ .* sqlite .* deno \d+\.\d+\.\d+\n$/);
  const help = await runProgram("--help");
  assert.equal(help.code, 0, help.stderr);
  assert.match(help.stdout, /Usage:/);
  const bench = await runProgram("bench", "-help");
  assert.equal(bench.code, 0, bench.stderr);
  assert.match(bench.stdout, /-target/);
});

Deno.test("the program ends with 2 for flags that make no sense and 1 for a wrong wish", async () => {
  const unknown = await runProgram("-nod-id", "1");
  assert.equal(unknown.code, 2);
  assert.equal(
    unknown.stderr,
    "fatal: Unknown flag -nod-id: did you mean -node-id?\nRun raftlite -help for all flags\n",
  );
  const pages = { shell: "shell -help", bench: "bench -help", "systemd-unit": "-help" };
  for (const [command, page] of Object.entries(pages)) {
    const { code, stderr } = await runProgram(command, "-nonsense");
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^fatal: Unknown flag -nonsense/);
    assert.ok(stderr.endsWith(`\nRun raftlite ${page} for all flags\n`), stderr);
  }
  assert.match((await runProgram("bench", "-json=true")).stderr, /-target/);
  const wrong = await runProgram("-raft-addr", "0.0.0.0:4002", "data");
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^fatal: Advertised Raft address .*\n$/);
});

Deno.test("the program takes a mistyped sub-command for no data directory unless there is one", async () => {
  const words: readonly [word: string, meant: string][] = [
    ["help", "raftlite -help"],
    ["version", "raftlite -version"],
    ["shel", "raftlite shell"],
    ["becnh", "raftlite bench"],
    ["systemd_unit", "raftlite systemd-unit"],
  ];
  const folder = await Deno.makeTempDir();
  try {
    for (const [word, meant] of words) {
      // The flag refuses what gets past the word, lest a server runs.
      const { code, stderr } = await runProgramIn(folder, word, "-raft-addr", "0.0.0.0:4002");
      assert.equal(code, 2, stderr);
      assert.ok(
        stderr.startsWith(
          `fatal: No directory ${word} is there: did you mean ${meant}? Write a new data directory as ./${word}\n`,
        ),
        stderr,
      );
    }
    await Deno.mkdir(`${folder}/shel`);
    for (const word of ["shel", "./help", "data"]) {
      const { stderr } = await runProgramIn(folder, word, "-raft-addr", "0.0.0.0:4002");
      assert.match(stderr, /not routable/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the program says in a line that its output cannot be written", async () => {
  for (const command of ["-help", "systemd-unit", "shell -help", "bench -help"]) {
    const line = `"$0" run -A "$1" ${command} > /dev/full`;
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", line, Deno.execPath(), mainFile],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const message = new TextDecoder().decode(stderr).replace(/^warning: .*\n/gm, "");
    assert.equal(code, 1, message);
    assert.match(
      message,
      /^fatal: Standard output cannot be written: No space left on device.*\n$/,
    );
  }
});

Deno.test("systemd-unit prints a unit that systemd accepts", async () => {
  const args = ["-node-id", 'a b%c$d"e', "-fk", "-join", "h:1,i:2", "-join-attempts=9"];
  const { code, stdout, stderr } = await runProgram("systemd-unit", ...args);
  assert.equal(code, 0, stderr);
  const start = /^ExecStart=(.*)$/m.exec(stdout)?.[1] ?? "";
  assert.ok(
    start.endsWith(
      ' "-node-id=a b%%c$$d\\"e" -fk=true -join=h:1,i:2 -join-attempts=9 /var/lib/raftlite',
    ),
    start,
  );
  assert.match(stdout, /^StateDirectory=raftlite$/m);
  await verifyUnit(stdout);
});

Deno.test("systemd-unit lets the node bind a port below 1024 when one is asked for", async () => {
  const cases: readonly [args: string[], capability: string][] = [
    [["-http-addr", "10.0.0.1:80"], "CAP_NET_BIND_SERVICE"],
    [["-raft-addr", "10.0.0.1:1023"], "CAP_NET_BIND_SERVICE"],
    [["-http-addr", "10.0.0.1:1024", "-http-adv-addr", "db.example:80"], ""],
    [[], ""],
  ];
  for (const [args, capability] of cases) {
    const { code, stdout, stderr } = await runProgram("systemd-unit", ...args);
    assert.equal(code, 0, stderr);
    for (const setting of ["AmbientCapabilities", "CapabilityBoundingSet"]) {
      assert.equal(new RegExp(`^${setting}=(.*)$`, "m").exec(stdout)?.[1], capability);
    }
    await verifyUnit(stdout);
  }
});

Deno.test("systemd-unit lets the node write its audit log", async () => {
  const cases: readonly [target: string, settings: string[], warning: boolean][] = [
    ["/var/log/raftlite/a.log", ["LogsDirectory=raftlite", "LogsDirectoryMode=0700"], false],
    ["/var/log/a/b/a.log", ["LogsDirectory=a/b", "LogsDirectoryMode=0700"], false],
    ["/var/log/a.log", ["ReadWritePaths=-/var/log"], true],
    ["/srv/audit/a.log", ["ReadWritePaths=-/srv/audit"], true],
    ["stderr", [], false],
  ];
  for (const [target, settings, warning] of cases) {
    const { code, stdout, stderr } = await runProgram("systemd-unit", "-audit-log", target);
    assert.equal(code, 0, stderr);
    const found = stdout.split("\n").filter((line) => /^(LogsDirectory|ReadWritePaths)/.test(line));
    assert.deepEqual(found, settings, target);
    assert.ok(stdout.includes(` -audit-log=${target} `), stdout);
    assert.equal(stderr.includes("must be able to write"), warning, stderr);
    await verifyUnit(stdout);
  }
  const relative = await runProgram("systemd-unit", "-audit-log", "a.log");
  assert.ok(relative.stdout.includes(` -audit-log=${Deno.cwd()}/a.log `), relative.stdout);
});

Deno.test("systemd-unit has a file of -disco-config by its whole path, and leaves JSON as it is", async () => {
  await withDirectory(async (directory) => {
    const file = relative(Deno.cwd(), `${directory}/disco.json`);
    await Deno.writeTextFile(file, '{"name":"db.example"}');
    const cases: readonly [given: string, written: string][] = [
      [file, await Deno.realPath(file)],
      ["not-there-yet.json", `${Deno.cwd()}/not-there-yet.json`],
      ['{"name":"db.example"}', `"-disco-config={\\"name\\":\\"db.example\\"}"`],
      ["$DISCO", "$$DISCO"],
    ];
    for (const [given, written] of cases) {
      const flags = ["-disco-mode=dns", "-bootstrap-expect=3", "-disco-config", given];
      const { code, stdout, stderr } = await runProgram("systemd-unit", ...flags);
      assert.equal(code, 0, stderr);
      assert.ok(stdout.includes(written.startsWith('"') ? written : `-disco-config=${written} `));
    }
  });
});

Deno.test("systemd-unit has the files of -cdc-config and -extensions-path by their whole paths", async () => {
  const here = Deno.cwd();
  const cases: readonly [flag: string, given: string, written: string][] = [
    ["cdc-config", "cdc.json", `${here}/cdc.json`],
    ["cdc-config", "https://example.test/changes", "https://example.test/changes"],
    ["cdc-config", "stdout", "stdout"],
    ["extensions-path", "a.so,,/opt/b,c.zip", `${here}/a.so,/opt/b,${here}/c.zip`],
  ];
  for (const [flag, given, written] of cases) {
    const { code, stdout, stderr } = await runProgram("systemd-unit", `-${flag}`, given);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(` -${flag}=${written} `), stdout);
  }
});

Deno.test("systemd-unit lets the node write in the directory of its archive", async () => {
  const { code, stdout, stderr } = await runProgram("systemd-unit", "-archive", "/srv/archive");
  assert.equal(code, 0, stderr);
  assert.ok(stdout.includes("\nReadWritePaths=-/srv/archive\n"), stdout);
  assert.match(stderr, /must be able to write in \/srv\/archive/);
  await verifyUnit(stdout);
});

Deno.test("systemd-unit refuses bad flags and a data directory that it could not write", async () => {
  const cases: readonly [args: string[], code: number, message: RegExp][] = [
    [["-http-addr", "0.0.0.0:1"], 1, /not routable/],
    [["/srv/data"], 1, /must lie in \/var\/lib/],
    [["/var/lib"], 1, /must lie in \/var\/lib/],
    [["/var/lib/a b"], 1, /letters, digits/],
    [["/var/lib/a", "b"], 1, /not accepted/],
    [["-node-id", "a\nb"], 1, /cannot hold/],
  ];
  for (const [args, code, message] of cases) {
    const result = await runProgram("systemd-unit", ...args);
    assert.equal(result.code, code, args.join(" "));
    assert.match(result.stderr, message);
    assert.equal(result.stdout, "");
  }
});

/** Has systemd check a unit, on a machine that has systemd. */
async function verifyUnit(unit: string): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/raftlite.service`, unit);
    const { code, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", `${directory}/raftlite.service`],
    }).output();
    const complaints = new TextDecoder().decode(stderr).split("\n")
      .filter((line) => line.includes("raftlite.service"));
    assert.deepEqual(complaints, []);
    assert.equal(code, 0);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("systemd-unit writes whole paths of files, warns of hidden ones, and reloads by SIGHUP", async () => {
  const { code, stdout, stderr } = await runProgram(
    "systemd-unit",
    ...["-http-cert", "cert.pem", "-http-key=/home/a/key.pem"],
    ...["-http-verify-client", "-http-ca-cert", "clients.pem", "-auth=users.json"],
    ...["-node-auto-tls", "secret", "-join-as", "bob"],
  );
  assert.equal(code, 0, stderr);
  for (
    const flag of [
      "http-verify-client=true",
      `http-ca-cert=${Deno.cwd()}/clients.pem`,
      `auth=${Deno.cwd()}/users.json`,
      `node-auto-tls=${Deno.cwd()}/secret`,
      "join-as=bob",
    ]
  ) assert.ok(stdout.includes(` -${flag} `), stdout);
  assert.ok(stdout.includes(` -http-cert=${Deno.cwd()}/cert.pem `), stdout);
  assert.match(stdout, / -http-key=\/home\/a\/key\.pem /);
  assert.match(stderr, /cannot see \/home\/a\/key\.pem: move it, for example to \/etc\/raftlite/);
  assert.match(stdout, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
});
