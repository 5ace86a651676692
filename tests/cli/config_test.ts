import assert from "node:assert/strict";
import { resolve } from "node:path";
import { parseConfig } from "../../src/cli/config_file.ts";
import { variableOf } from "../../src/cli/environment_flags.ts";
import { FlagError } from "../../src/cli/flag_error.ts";
import type { FlagSpec } from "../../src/cli/flag_spec.ts";
import { flagTable } from "../../src/cli/flag_table.ts";
import { readFlags } from "../../src/cli/flag_values.ts";
import { type Configuration, parseFlags } from "../../src/cli/flags.ts";
import { withDirectory } from "../directory.ts";
import { runProgram } from "./shell_program.ts";

/** Calls `use` with the path of a file of -config that holds `text`. */
function withFile<T>(text: string | Uint8Array<ArrayBuffer>, use: (path: string) => T): T {
  const directory = Deno.makeTempDirSync();
  try {
    const path = `${directory}/raftlite.conf`;
    Deno.writeFileSync(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
    return use(path);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function configured(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Configuration {
  const invocation = parseFlags(args, variables);
  assert.ok(invocation.type === "serve");
  return invocation.configuration;
}

function refusal(run: () => unknown): FlagError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof FlagError);
    return error;
  }
  throw new assert.AssertionError({ message: "Accepted" });
}

/** A text that a flag takes and that is not its default. */
function another(spec: FlagSpec): string {
  switch (spec.kind) {
    case "switch":
      return String(spec.default !== "true");
    case "text":
      return "a text";
    case "address":
      return "h:1";
    case "addresses":
      return "h:1,i:2";
    case "duration":
      return `${(spec.min ?? 1) + 1}ms`;
    case "count":
    case "size":
      return String((spec.min ?? 1) + 1);
    case "level":
      return "WARN";
  }
}

Deno.test("every flag means the same from the command line, a variable and a file", () => {
  const names = Object.entries<FlagSpec>(flagTable)
    .filter(([name]) => !["help", "version", "config"].includes(name));
  assert.ok(names.length > 60);
  for (const [name, spec] of names) {
    const text = another(spec);
    const expected = readFlags([`-${name}=${text}`]).values;
    assert.notDeepEqual(expected, readFlags([]).values, name);
    assert.deepEqual(readFlags([], { [variableOf(name)]: text }).values, expected);
    for (const line of [`${name} = ${text}`, `${name} ${text}`, `--${name}="${text}"`]) {
      const { values, elsewhere, given } = withFile(`\n${line}\n`, (path) => {
        const read = readFlags(["-config", path]);
        assert.deepEqual([...read.elsewhere], [[name, `${path}:2`]]);
        return read;
      });
      assert.deepEqual({ ...values, config: "" }, expected, line);
      assert.ok(elsewhere.has(name) && !given.has(name as keyof typeof flagTable));
    }
  }
});

Deno.test("the command line counts more than the environment, and that more than the file", () => {
  withFile("node-id file\nfk\nraft-snap 100\n", (path) => {
    const variables = { RAFTLITE_NODE_ID: "variable", RAFTLITE_RAFT_SNAP: "200" };
    const read = configured(["-config", path, "-node-id", "line", "data"], variables);
    assert.equal(read.nodeId, "line");
    assert.equal(read.raft.snapshotEntries, 200);
    assert.equal(read.database.foreignKeys, true);
    assert.equal(configured(["-config", path, "-fk=false"]).database.foreignKeys, false);
    assert.equal(configured(["-config", path]).nodeId, "file");
    assert.equal(configured([], { RAFTLITE_CONFIG: path }).nodeId, "file");
    assert.equal(configured([], { RAFTLITE_CONFIG: path, RAFTLITE_NODE_ID: "" }).nodeId, "file");
    assert.equal(configured(["data"]).dataDirectory, resolve("data"));
  });
});

Deno.test("a file of -config has comments, quotes, dashes, switches and line ends of Windows", () => {
  const lines = [
    "\ufeff# all of a node",
    "node-id = n1 # first",
    '-join "a:1,b:2"',
    "--fk",
    "raft-shutdown-stepdown=false",
    "disco-key = ' # '",
    `disco-config = {"name": "db#1"}`,
    "  auth =",
  ];
  const text = lines.join("\r\n");
  const read = withFile(text, (path) => readFlags(["-config", path]).values);
  assert.equal(read["node-id"], "n1");
  assert.deepEqual(read.join, ["a:1", "b:2"]);
  assert.equal(read.fk, true);
  assert.equal(read["raft-shutdown-stepdown"], false);
  assert.equal(read["disco-key"], "#");
  assert.equal(read["disco-config"], '{"name": "db#1"}');
  assert.equal(read.auth, "");
  assert.deepEqual(parseConfig("", "f"), []);
});

Deno.test("what is wrong in a file of -config is told with its place, and without secrets", () => {
  const secret = "s3cret";
  const wrong: readonly [text: string, message: RegExp, exitCode: number][] = [
    ["fk\njoin-attempts = x", /^Invalid value "x" for flag -join-attempts in .*conf:2: not a/, 2],
    ["raft-addr = x", /^Invalid value "x" for flag -raft-addr in .*conf:1: /, 1],
    ["\n\nnod-id = 1", /conf:3: Unknown flag -nod-id: did you mean -node-id\?$/, 2],
    ["join", /conf:1: Flag needs a value: -join$/, 2],
    ["join a:1\njoin b:1", /conf:2: Flag -join stands in .*conf:1 already$/, 2],
    ["help", /conf:1: Flag -help stands on the command line only$/, 2],
    ["config = other", /conf:1: Flag -config stands on the command line only$/, 2],
    ["fk = maybe", /^Invalid value "maybe" for flag -fk in .*conf:1: not true or false$/, 2],
    ["http-cert = c.pem", /^-http-cert needs -http-key.* \(-http-cert is set by .*conf:1\)$/, 1],
    [`disco-config = {\n  "token": "${secret}"\n}`, /conf:2: write one flag a line/, 2],
    [`disco-config = '${secret}`, /conf:1: the quotes around the value of -disco-config/, 2],
    [`disco-config = '{}' ${secret}`, /conf:1: the quotes around the value of -disco-config/, 2],
    [`[${secret}]`, /conf:1: write one flag a line/, 2],
  ];
  for (const [text, message, exitCode] of wrong) {
    const error = withFile(text, (path) => refusal(() => parseFlags(["-config", path])));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, new RegExp(secret));
    assert.equal(error.exitCode, exitCode, text);
  }
  const latin = withFile(
    new Uint8Array([0x23, 0xe9]),
    (path) => refusal(() => parseFlags(["-config", path])),
  );
  assert.match(latin.message, /is no text in UTF-8/);
  const large = withFile(
    "#".repeat(1024 * 1024 + 1),
    (path) => refusal(() => parseFlags(["-config", path])),
  );
  assert.match(large.message, /more than 1048576 bytes/);
  const missing = refusal(() => parseFlags(["-config", "no-such-file"]));
  assert.match(missing.message, /^File of -config cannot be read: .*no-such-file/);
});

Deno.test("what is wrong in the environment is told with the variable's name", () => {
  const { message } = refusal(() => parseFlags([], { RAFTLITE_JOIN_ATTEMPTS: "x" }));
  assert.match(message, /^Invalid value "x" for RAFTLITE_JOIN_ATTEMPTS: not a whole number$/);
  const apart = refusal(() => parseFlags([], { RAFTLITE_HTTP_KEY: "k" }));
  assert.match(apart.message, /\(-http-key is set by RAFTLITE_HTTP_KEY\)$/);
});

Deno.test("variables that look like a flag's are warned of, others are nobody's", () => {
  const mistyped = readFlags([], { RAFTLITE_NODEID: "1", RAFTLITE_HTP_ADDR: "h:1" });
  assert.deepEqual(mistyped.warnings, [
    "RAFTLITE_NODEID in the environment is no flag: is RAFTLITE_NODE_ID meant?",
    "RAFTLITE_HTP_ADDR in the environment is no flag: is RAFTLITE_HTTP_ADDR meant?",
  ]);
  const others = {
    RAFTLITE_TOKEN: "t",
    RAFTLITE_PASSWORD: "p",
    RAFTLITE_BINARY: "/bin/raftlite",
    RAFTLITE_VERSION: "0.1.0",
    RAFTLITE_HELP: "true",
    RAFTLITE_SERVICE_HOST: "10.0.0.1",
    RAFTLITE_SERVICE_PORT_HTTP: "4001",
    RAFTLITE_PORT: "tcp://10.0.0.1:4001",
    RAFTLITE_PORT_4001_TCP_ADDR: "10.0.0.1",
    RAFTLITE_HTTP_SERVICE_PORT: "4001",
    NODE_ID: "other",
  };
  const read = readFlags([], others);
  assert.deepEqual(read.warnings, []);
  assert.deepEqual(read.values, readFlags([]).values);
  assert.equal(parseFlags(["-help"], { RAFTLITE_FK: "maybe" }).type, "help");
});

Deno.test("the program takes flags from a file and the environment", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/raftlite.conf`;
    await Deno.writeTextFile(path, "# a node\nhttp-key = k.pem\n");
    const byFile = await runProgram(["-config", path, directory], "");
    assert.equal(byFile.code, 1);
    assert.match(byFile.stderr, /needs -http-cert.*\(-http-key is set by .*raftlite\.conf:2\)\n$/);
    const byVariable = await runProgram([directory], "", { RAFTLITE_HTTP_KEY: "k.pem" });
    assert.match(byVariable.stderr, /\(-http-key is set by RAFTLITE_HTTP_KEY\)\n$/);
    await Deno.writeTextFile(path, "auth = users.json\nnode-id = 7\n");
    const unit = await runProgram(["systemd-unit", "-config", path], "", { RAFTLITE_FK: "maybe" });
    assert.equal(unit.code, 0, unit.stderr);
    assert.match(unit.stdout, / -config=\S+raftlite\.conf \/var\/lib\/raftlite$/m);
    assert.doesNotMatch(unit.stdout, /node-id|users\.json/);
    assert.match(unit.stderr, /raftlite\.conf:1: A service starts in \/: write the whole path/);
  }));
