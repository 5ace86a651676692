/**
 * Runs published rqlite clients, unchanged and as their package managers install them, against
 * clusters of three, one over HTTP and others over HTTPS with users: `deno task test:clients
 * [LANGUAGE…]`. A language that this machine has not is left out and not counted. Ends with
 * `N passed, N failed`.
 */
import { strict as assert } from "node:assert";
import { print } from "../../src/cli/output.ts";
import { Cluster, type ClusterOptions } from "../cluster/harness.ts";
import { protect, user } from "../cluster/protected.ts";

interface Client {
  /** Also the folder with its program. */
  readonly language: string;
  /** A command line that succeeds where the language and its package manager are at hand. */
  readonly probe: readonly string[];
  /** Command lines to be run in a copy of that folder. */
  readonly install: readonly (readonly string[])[];
  /** The command line of the program; a follower's and the leader's URL are added. */
  readonly program: readonly string[];
}

const clients: readonly Client[] = [
  {
    language: "python",
    probe: ["python3", "-c", "import ensurepip, venv"],
    install: [
      ["python3", "-m", "venv", "venv"],
      [
        "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "pyrqlite==2.2.3",
        "sqlalchemy-rqlite==2.0",
        "SQLAlchemy==2.1.9",
      ],
    ],
    program: ["venv/bin/python", "client.py"],
  },
  {
    language: "javascript",
    probe: ["npm", "--version"],
    // rqlite-js does not name @babel/runtime as a dependency, but needs it.
    install: [[
      "npm",
      "install",
      "--silent",
      "--no-audit",
      "--no-fund",
      "rqlite-js@2.5.7",
      "@babel/runtime@7",
    ]],
    program: ["node", "client.cjs"],
  },
  {
    language: "go",
    probe: ["go", "version"],
    install: [
      ["go", "mod", "init", "client"],
      ["go", "get", "github.com/rqlite/gorqlite@v0.0.0-20261020015727-7224ce2bd419"],
      ["go", "build", "-o", "client", "."],
    ],
    program: ["./client"],
  },
];

/** Longest time for one command line. */
const commandTimeoutMs = 300_000;

/** What clients are run against. */
interface Setting {
  readonly name: string;
  readonly options: ClusterOptions;
  /** What programs are told: RQLITE_USER, RQLITE_PASSWORD; RQLITE_CA, RQLITE_CERT, RQLITE_KEY: files in PEM. */
  readonly env: Readonly<Record<string, string>>;
}

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

async function run(
  [command = "", ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      cwd,
      env: { ...env },
      stdin: "null",
      signal: AbortSignal.timeout(commandTimeoutMs),
    }).output();
    const decoder = new TextDecoder();
    const problems = success ? "" : decoder.decode(stderr);
    return { ok: success, output: decoder.decode(stdout) + problems };
  } catch (error) {
    const text = error instanceof Deno.errors.NotFound
      ? `The command ${command} is not installed`
      : String(error);
    return { ok: false, output: text };
  }
}

/** A client's program with what it needs, in a folder of its own. */
async function install(client: Client, directory: string): Promise<boolean> {
  const source = new URL(`${client.language}/`, import.meta.url);
  for await (const file of Deno.readDir(source)) {
    await Deno.copyFile(new URL(file.name, source), `${directory}/${file.name}`);
  }
  for (const command of client.install) {
    const { ok, output } = await run(command, directory);
    if (ok) continue;
    print(`FAILED ${command.join(" ")}:\n${output}\n`);
    return false;
  }
  return true;
}

/** Runs the programs of clients, by their folders, and returns what they counted. */
async function test(
  { name, options, env }: Setting,
  programs: ReadonlyMap<string, Client>,
): Promise<Counts[]> {
  await using cluster = await Cluster.start(options);
  const nodes = [await cluster.follower(), await cluster.leader()];
  const counts: Counts[] = [];
  for (const [directory, { language, program }] of programs) {
    print(`== ${language}, ${name}\n`);
    const urls = nodes.map(({ url }) => url);
    const { ok, output } = await run([...program, ...urls], directory, env);
    print(output);
    const counted = /^(\d+) passed, (\d+) failed$/m.exec(output);
    const failed = Number(counted?.[2] ?? 0);
    counts.push({
      passed: Number(counted?.[1] ?? 0),
      failed: !ok && failed === 0 ? 1 : failed,
    });
  }
  return counts;
}

async function testAll(programs: ReadonlyMap<string, Client>): Promise<Counts[]> {
  await using parts = await protect();
  const { authority, pair, asker } = parts;
  const env = {
    RQLITE_USER: user.name,
    RQLITE_PASSWORD: user.password,
    RQLITE_CA: authority.caPath,
  };
  const verify = ["-http-verify-client", "-http-ca-cert", authority.caPath];
  const settings: readonly Setting[] = [
    { name: "HTTP", options: {}, env: {} },
    { name: "HTTPS with users", options: { flags: parts.flags, ...asker }, env },
    {
      name: "HTTPS with users and clients' certificates",
      options: { flags: [...parts.flags, ...verify], ...asker },
      env: { ...env, RQLITE_CERT: pair.certPath, RQLITE_KEY: pair.keyPath },
    },
  ];
  const counts: Counts[] = [];
  for (const setting of settings) counts.push(...await test(setting, programs));
  return counts;
}

async function main(languages: readonly string[]): Promise<number> {
  for (const language of languages) {
    assert(clients.some((client) => client.language === language), `No client in ${language}`);
  }
  const programs = new Map<string, Client>();
  let notInstalled = 0;
  try {
    for (const client of clients) {
      const { language, probe } = client;
      if (languages.length > 0 && !languages.includes(language)) continue;
      if (!(await run(probe, ".")).ok) {
        print(`== ${language}: left out, as ${probe.join(" ")} fails here\n`);
        continue;
      }
      const directory = await Deno.makeTempDir({ prefix: `raftlite-client-${language}-` });
      programs.set(directory, client);
      if (await install(client, directory)) continue;
      programs.delete(directory);
      await Deno.remove(directory, { recursive: true });
      notInstalled++;
    }
    const counts = await testAll(programs);
    const passed = counts.reduce((sum, count) => sum + count.passed, 0);
    const failed = counts.reduce((sum, count) => sum + count.failed, notInstalled);
    print(`${passed} passed, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  } finally {
    for (const directory of programs.keys()) await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
