/**
 * Runs published rqlite clients, unchanged and as their package managers install them, against a
 * cluster of three: `deno task test:clients [LANGUAGE…]`. A language that this machine has not is
 * left out and not counted. Ends with `N passed, N failed`.
 */
import { strict as assert } from "node:assert";
import { print } from "../../src/cli/output.ts";
import { Cluster } from "../cluster/harness.ts";

interface Client {
  /** Also the folder with its program. */
  readonly language: string;
  /** A command line that succeeds where the language and its package manager are at hand. */
  readonly probe: readonly string[];
  /** Command lines to be run in a copy of that folder. */
  readonly install: readonly (readonly string[])[];
  /** The command line of the program; a follower's and the leader's address are added. */
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

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

async function run([command = "", ...args]: readonly string[], cwd: string): Promise<Outcome> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      cwd,
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

/** Installs one client, runs its program and returns what it counted. */
async function test(
  client: Client,
  addresses: readonly string[],
): Promise<{ passed: number; failed: number }> {
  print(`== ${client.language}\n`);
  const directory = await Deno.makeTempDir({ prefix: `raftlite-client-${client.language}-` });
  try {
    const source = new URL(`${client.language}/`, import.meta.url);
    for await (const file of Deno.readDir(source)) {
      await Deno.copyFile(new URL(file.name, source), `${directory}/${file.name}`);
    }
    for (const command of client.install) {
      const { ok, output } = await run(command, directory);
      if (ok) continue;
      print(`FAILED ${command.join(" ")}:\n${output}\n`);
      return { passed: 0, failed: 1 };
    }
    const { ok, output } = await run([...client.program, ...addresses], directory);
    print(output);
    const counts = /^(\d+) passed, (\d+) failed$/m.exec(output);
    const passed = Number(counts?.[1] ?? 0);
    const failed = Number(counts?.[2] ?? 0);
    return { passed, failed: !ok && failed === 0 ? 1 : failed };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function main(languages: readonly string[]): Promise<number> {
  for (const language of languages) {
    assert(clients.some((client) => client.language === language), `No client in ${language}`);
  }
  const present: Client[] = [];
  for (const client of clients) {
    if (languages.length > 0 && !languages.includes(client.language)) continue;
    if ((await run(client.probe, ".")).ok) present.push(client);
    else print(`== ${client.language}: left out, as ${client.probe.join(" ")} fails here\n`);
  }
  await using cluster = await Cluster.start();
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const addresses = [follower, leader].map(({ httpPort }) => `127.0.0.1:${httpPort}`);
  let passed = 0;
  let failed = 0;
  for (const client of present) {
    const counts = await test(client, addresses);
    passed += counts.passed;
    failed += counts.failed;
  }
  print(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
