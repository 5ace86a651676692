import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Secrets } from "../../src/cli/client_access.ts";
import { FlagError } from "../../src/cli/flag_error.ts";
import { parseShellFlags } from "../../src/cli/shell/flags.ts";
import type { ShellOptions } from "../../src/cli/shell/flags.ts";

/** Variables of the environment, and what a person types when asked; none without it. */
function secretsOf(variables: Record<string, string> = {}, typed?: string): Secrets {
  return {
    variable: (name) => variables[name],
    password: (user) => {
      if (typed === undefined) throw new FlagError(2, `No password of ${user}`);
      return typed;
    },
  };
}

function parse(args: string[], hostVariable?: string, secrets = secretsOf()): ShellOptions {
  const options = parseShellFlags(args, hostVariable, secrets);
  assert.ok(typeof options === "object");
  return options;
}

Deno.test("parseShellFlags takes rqlite's flags, short and long", () => {
  const long = ["--host", "::1", "-port=5", "--scheme", "https", "-prefix", "p", "-user", "a:b:c"];
  const short = ["-H", "::1", "-p", "5", "-s", "https", "-P", "p", "-u", "a:b:c"];
  const more = ["-a", "x:1, ,y:2", "-t", "1m", "-i"];
  assert.deepEqual(parse([...short, ...more]), parse([...long, ...more]));
  assert.deepEqual(parse([...short, ...more]), {
    scheme: "https",
    hosts: ["[::1]:5", "x:1", "y:2"],
    prefix: "/p/",
    authorization: "Basic YTpiOmM=",
    tls: { rejectUnauthorized: false },
    timeoutMs: 60_000,
    mode: "column",
  });
});

Deno.test("parseShellFlags takes switches as the server does", () => {
  const rejectsUnauthorized = (...args: string[]) => parse(args).tls.rejectUnauthorized;
  for (const args of [["-i"], ["-i=true"], ["-insecure=1"], ["-i=false", "--insecure=T"]]) {
    assert.equal(rejectsUnauthorized(...args), false, args.join(" "));
  }
  for (const args of [[], ["-i=false"], ["-insecure=0"], ["-i", "-i=f"]]) {
    assert.equal(rejectsUnauthorized(...args), true, args.join(" "));
  }
  assert.throws(() => parse(["-i=maybe"]), {
    name: "FlagError",
    message: 'Invalid value "maybe" for flag -insecure: not true or false',
  });
});

Deno.test("parseShellFlags heeds RQLITE_HOST unless a flag names the node", () => {
  assert.deepEqual(parse([], "https://db.example:9").hosts, ["db.example:9"]);
  assert.equal(parse([], "https://db.example:9").scheme, "https");
  assert.deepEqual(parse([], "//db.example").hosts, ["db.example:4001"]);
  assert.deepEqual(parse([], "db.example:9").hosts, ["db.example:9"]);
  assert.deepEqual(parse(["-p", "7"], "db.example:9").hosts, ["127.0.0.1:7"]);
  assert.throws(() => parse([], "ftp://x"), FlagError);
  for (const bad of ["%%", "a b", "a,b", "[1:2]"]) {
    assert.throws(() => parse([], bad), { name: "FlagError", message: /RQLITE_HOST .*: write it/ });
  }
});

Deno.test("parseShellFlags takes names and addresses of nodes, and nothing that is more or less", () => {
  for (const host of ["db", "db.example", "10.0.0.1", "xn--bcher-kva.example", "a_b"]) {
    assert.deepEqual(parse(["-H", host, "-a", `${host}:2`]).hosts, [`${host}:4001`, `${host}:2`]);
  }
  for (const host of ["::1", "[::1]", "2001:db8::1"]) {
    const named = host.startsWith("[") ? host : `[${host}]`;
    assert.deepEqual(parse(["-H", host]).hosts, [`${named}:4001`]);
  }
  for (
    const host of ["http://127.0.0.1:1", "127.0.0.1:1", "a b", "", "%%", "a/b", "[::1]:1", "u@h"]
  ) {
    assert.throws(() => parse(["-H", host]), (error) => {
      assert.ok(error instanceof FlagError, String(error));
      assert.match(error.message, /-host takes a name or an address; the port goes in -port$/);
      return true;
    });
  }
  for (const address of ["http://a:1", "a", "a b:1", "%%:1", ":1", "a:0", "a:99999", "[1:2]:3"]) {
    assert.throws(() => parse(["-a", `x:1,${address}`]), (error) => {
      assert.ok(error instanceof FlagError, String(error));
      assert.ok(error.message.includes(JSON.stringify(address)), error.message);
      assert.match(error.message, /-alternatives/);
      return true;
    });
  }
});

Deno.test("parseShellFlags refuses what it cannot obey", () => {
  const cases: readonly [args: string[], message: RegExp][] = [
    [["-x"], /Unknown flag -x/],
    [["-p", "70000"], /-port/],
    [["-scheme", "ftp"], /-scheme/],
    [["-mode", "xml"], /-mode/],
    [["-u", "fiona"], /^No password of fiona$/],
    [["-u", "a:b", "-token", "t"], /^Flags -user and -token are not given together$/],
    [["-t", "5"], /-http-timeout/],
    [["-d", "cert.pem"], /together/],
    [["-c", "/nonexistent.pem"], /-ca-cert cannot be read/],
    [["SELECT 1"], /SELECT 1/],
  ];
  for (const [args, message] of cases) {
    assert.throws(() => parse(args), (error) => {
      assert.ok(error instanceof FlagError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("parseShellFlags takes a user or a token, from flags, the environment or a person", () => {
  const read = (args: string[], variables: Record<string, string> = {}, typed?: string) =>
    parse(args, undefined, secretsOf(variables, typed)).authorization;
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  const RAFTLITE_TOKEN = "abc.d-_~+/=";
  assert.equal(read([], { RAFTLITE_TOKEN }), `Bearer ${RAFTLITE_TOKEN}`);
  assert.equal(read([], { RAFTLITE_TOKEN: "" }), undefined);
  assert.equal(read(["-token", "t"], { RAFTLITE_TOKEN }), "Bearer t");
  assert.equal(read(["-user", "a:b"], { RAFTLITE_TOKEN }), basic("a:b"));
  const RAFTLITE_PASSWORD = "pass:wörd";
  assert.equal(read(["-u", "a"], { RAFTLITE_PASSWORD, RAFTLITE_TOKEN }), basic("a:pass:wörd"));
  assert.equal(read(["-u", "a:"], { RAFTLITE_PASSWORD }, "typed"), basic("a:"));
  assert.equal(read(["-u", "a"], {}, "typed"), basic("a:typed"));
  for (const wrong of ["secret x", "secret\n", "sécret"]) {
    const isQuiet = (name: RegExp) => (error: Error) =>
      name.test(error.message) && !/s.cret/.test(error.message);
    assert.throws(() => read([], { RAFTLITE_TOKEN: wrong }), isQuiet(/^RAFTLITE_TOKEN /));
    assert.throws(() => read(["-token", wrong]), isQuiet(/^Flag -token /));
  }
});

Deno.test("parseShellFlags asks for no password when a file is not there", () => {
  const secrets = { ...secretsOf(), password: () => assert.fail("asked") };
  const args = ["-u", "a", "-c", "/nonexistent.pem"];
  assert.throws(() => parseShellFlags(args, undefined, secrets), /-ca-cert cannot be read/);
});
