import assert from "node:assert/strict";
import { Cluster } from "../cluster/harness.ts";
import { protect, type Protected, token, user } from "../cluster/protected.ts";
import { testWithClientCertificates } from "../tls/where_there_is_tls.ts";
import { type ProgramRun, runProgram, runShell, shellCommand } from "./shell_program.ts";
import { hasPty, Pty } from "./shell_pty.ts";

const named = `${user.name}:${user.password}`;

/** Every way to be let in: flags, and variables of the environment. */
const welcome: readonly (readonly [flags: string[], env?: Record<string, string>])[] = [
  [["-user", named]],
  [["-user", user.name], { RAFTLITE_PASSWORD: user.password }],
  [["-token", token]],
  [[], { RAFTLITE_TOKEN: token }],
];

const strange: typeof welcome = [
  [[]],
  [["-user", `${user.name}:wrong-secret`]],
  [["-user", user.name], { RAFTLITE_PASSWORD: "wrong-secret" }],
  [["-token", "wrong-secret"]],
  [[], { RAFTLITE_TOKEN: "wrong-secret" }],
];

function assertNoSecret({ stdout, stderr }: ProgramRun): void {
  for (const secret of [user.password, token, "wrong-secret"]) {
    assert.ok(!`${stdout}${stderr}`.includes(secret), stderr);
  }
}

/** Runs what there is to run against one node over HTTPS with users. */
async function withNode(
  flags: (parts: Protected) => readonly string[],
  test: (parts: Protected & { readonly port: string }) => Promise<void>,
): Promise<void> {
  await using parts = await protect();
  await using cluster = await Cluster.start({
    size: 1,
    flags: [...parts.flags, ...flags(parts)],
    ...parts.asker,
  });
  await test({ ...parts, port: String(cluster.nodes[0]?.httpPort) });
}

/** The flags of a client that is asked for a certificate, which a client may always show. */
const withPair = ({ pair }: Protected) => [
  "-client-cert",
  pair.certPath,
  "-client-key",
  pair.keyPath,
];

/** Whether the program may run on a Deno that cannot do -insecure: a compiled one brings its own. */
const mayBeOld = Deno.env.has("RAFTLITE_BINARY") || Deno.version.deno.startsWith("2.4.");

const benchFlags = (port: string) => [
  ...["bench", "-target", `node=https://127.0.0.1:${port}`, "-json", "-rounds", "1"],
  ...["-clients", "2", "-duration", "50ms", "-warmup", "0s", "-only", "insert,read-weak"],
];

function assertMeasured(run: ProgramRun): void {
  assert.equal(run.code, 0, run.stderr);
  assertNoSecret(run);
  const rows: { requestsPerSecond: number; errors: number }[] = JSON.parse(run.stdout);
  assert.equal(rows.length, 2);
  for (const row of rows) assert.ok(row.requestsPerSecond > 0 && row.errors === 0, run.stdout);
}

Deno.test("shell and bench are let in over HTTPS by a password or a token, and nobody else is", () =>
  withNode(() => [], async ({ port, authority }) => {
    const ca = ["-ca-cert", authority.caPath];
    const shell = (flags: readonly string[], env?: Record<string, string>) =>
      runShell(["-s", "https", "-p", port, "-mode", "csv", ...flags], "SELECT 7 AS a", env);
    const bench = (flags: readonly string[], env?: Record<string, string>) =>
      runProgram([...benchFlags(port), ...flags], "", env);
    for (const [flags, env] of welcome) {
      assert.deepEqual(await shell([...ca, ...flags], env), {
        code: 0,
        stdout: "a\n7\n",
        stderr: "",
      });
    }
    assertMeasured(await bench([...ca, "-user", user.name], { RAFTLITE_PASSWORD: user.password }));
    assertMeasured(await bench([...ca, "-new-connections"], { RAFTLITE_TOKEN: token }));
    for (const [flags, env] of strange) {
      const refused = await shell([...ca, ...flags], env);
      assert.equal(refused.code, 1, refused.stderr);
      assert.match(refused.stderr, /^Error: Unauthorized: give a user .* -user .* -token\n$/);
      assertNoSecret(refused);
    }
    const refused = await bench([...ca, "-token", "wrong-secret"]);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /^fatal: Target node is not ready: 401: -user or -token /m);
    assertNoSecret(refused);
    const unasked = await bench([...ca, "-user", user.name]);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /^fatal: Flag -user has no password: .* RAFTLITE_PASSWORD\n/);
    const unknown = await bench(["-token", token]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /^fatal: Target node is not ready: .*certificate/m);
    const insecure = await bench(["-token", token, "-insecure"]);
    if (insecure.code === 0 || !mayBeOld) assertMeasured(insecure);
  }));

testWithClientCertificates(
  "shell and bench show the certificate that a node asks for",
  () =>
    withNode(
      ({ authority }) => ["-http-verify-client", "-http-ca-cert", authority.caPath],
      async (parts) => {
        const { port, authority } = parts;
        const flags = ["-ca-cert", authority.caPath, "-token", token];
        const shell = (...more: string[]) =>
          runShell(["-s", "https", "-p", port, "-mode", "csv", ...flags, ...more], "SELECT 7 AS a");
        const shown = await shell(...withPair(parts));
        assert.deepEqual(shown, { code: 0, stdout: "a\n7\n", stderr: "" });
        assertMeasured(await runProgram([...benchFlags(port), ...flags, ...withPair(parts)], ""));
        const insecure = [...benchFlags(port), "-insecure", "-token", token, ...withPair(parts)];
        const unverified = await runProgram(insecure, "");
        if (unverified.code === 0 || !mayBeOld) assertMeasured(unverified);
        assert.equal((await shell()).code, 1);
      },
    ),
);

Deno.test({
  name: "shell asks a person at a terminal for the password, and shows nothing of it",
  ignore: !hasPty(),
}, () =>
  withNode(() => [], async ({ port, authority }) => {
    const flags = ["-s", "https", "-p", port, "-ca-cert", authority.caPath, "-u", user.name];
    await using pty = new Pty(shellCommand(...flags), { RQLITE_HISTFILESIZE: "0" });
    await pty.see(/Password of fiona: /);
    await pty.send(`${user.password}\n`);
    await pty.see(/Connected to https:.*\n.*> /);
    await pty.send("SELECT 6*7;\n");
    await pty.see(/42/);
    assert.ok(!pty.raw.includes(user.password), pty.raw);
  }));
