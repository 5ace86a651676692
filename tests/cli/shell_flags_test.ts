import assert from "node:assert/strict";
import { FlagError } from "../../src/cli/flag_error.ts";
import { parseShellFlags } from "../../src/cli/shell/flags.ts";
import type { ShellOptions } from "../../src/cli/shell/flags.ts";

function parse(args: string[], hostVariable?: string): ShellOptions {
  const options = parseShellFlags(args, hostVariable, undefined);
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
    credentials: "a:b:c",
    token: undefined,
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
    [["-u", "fiona"], /name:password/],
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

Deno.test("parseShellFlags takes a token from the environment, unless there is a user", () => {
  const read = (args: readonly string[], token: string) => {
    const options = parseShellFlags(args, undefined, token);
    assert.ok(typeof options === "object");
    return [options.credentials, options.token];
  };
  assert.deepEqual(read([], "abc.d-_~+/="), [undefined, "abc.d-_~+/="]);
  assert.deepEqual(read([], ""), [undefined, undefined]);
  assert.deepEqual(read(["-user", "a:b"], "token"), ["a:b", undefined]);
  for (const wrong of ["secret x", "secret\n", "sécret"]) {
    assert.throws(
      () => read([], wrong),
      (error: Error) => /RAFTLITE_TOKEN/.test(error.message) && !/s.cret/.test(error.message),
    );
  }
});
