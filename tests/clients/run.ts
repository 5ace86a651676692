/**
 * Runs published clients of rqlite and of libSQL, unchanged and as their package managers install
 * them, against clusters of three: over HTTP, with users, over HTTPS, and one whose leader is
 * killed: `deno task test:clients [LANGUAGE…]`. A language that this machine has not is left out and
 * not counted. Ends with `N passed, N failed`.
 */
import { print } from "../../src/cli/output.ts";
import { commandLine, refuse } from "../../tools/command_line.ts";
import { clientCertificatesMissing } from "../../src/tls/runtime.ts";
import { Cluster, type ClusterOptions } from "../cluster/harness.ts";
import { protect, token, user } from "../cluster/protected.ts";
import { fetching } from "../fetching.ts";

interface Client {
  /** Also the folder with its programs. */
  readonly language: string;
  readonly of: "rqlite" | "libsql";
  /** A command line that succeeds where the language and its package manager are at hand. */
  readonly probe: readonly string[];
  /** Command lines to be run in a copy of that folder. */
  readonly install: readonly (readonly string[])[];
  /** Command lines of its programs; a follower's and the leader's URL are added. */
  readonly programs: readonly (readonly string[])[];
  /** It speaks HTTP only, or trusts no authority but those that it was made with. */
  readonly plainOnly?: true;
  /** One that goes on while the leader is killed; all nodes' URLs are added. */
  readonly failover?: readonly string[];
}

/** The command line that installs packages of npm. */
function npm(...packages: string[]): string[] {
  return ["npm", "install", "--silent", "--no-audit", "--no-fund", ...packages];
}

/** Those that install packages of PyPI, in a folder `venv`. */
function pip(...packages: string[]): string[][] {
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  return [["python3", "-m", "venv", "venv"], ["venv/bin/python", ...install, ...packages]];
}

const clients: readonly Client[] = [
  {
    language: "python",
    of: "rqlite",
    probe: ["python3", "-c", "import ensurepip, venv"],
    install: pip("pyrqlite==2.2.3", "sqlalchemy-rqlite==2.0", "SQLAlchemy==2.1.9"),
    programs: [["venv/bin/python", "client.py"]],
  },
  {
    language: "python_rqdb",
    of: "rqlite",
    probe: ["python3", "-c", "import ensurepip, venv"],
    install: pip("rqdb==1.6.5"),
    programs: [["venv/bin/python", "client.py"]],
    plainOnly: true,
  },
  {
    language: "javascript",
    of: "rqlite",
    probe: ["npm", "--version"],
    // rqlite-js does not name @babel/runtime as a dependency, but needs it.
    install: [npm("rqlite-js@2.5.7", "@babel/runtime@7")],
    programs: [["node", "client.cjs"]],
  },
  {
    language: "go",
    of: "rqlite",
    probe: ["go", "version"],
    install: [
      ["go", "mod", "init", "client"],
      ["go", "get", "github.com/rqlite/gorqlite@v0.0.0-20261020015727-7224ce2bd419"],
      ["go", "build", "-o", "client", "."],
    ],
    programs: [["./client"]],
  },
  {
    language: "libsql_javascript",
    of: "libsql",
    probe: ["npm", "--version"],
    install: [
      npm(
        "@libsql/client@0.18.0",
        "@libsql/kysely-libsql@0.4.1",
        "@prisma/adapter-libsql@7.10.0",
        "@prisma/client@7.10.0",
        "@tursodatabase/serverless@1.4.0",
        "drizzle-orm@0.45.4",
        "kysely@0.28.19",
        "prisma@7.10.1",
      ),
      // The engine that migrates is not needed, and would be fetched.
      ["env", "PRISMA_SCHEMA_ENGINE_BINARY=/bin/true", "npx", "prisma", "generate"],
    ],
    programs: [["node", "client.cjs"], ["node", "prisma.cjs"]],
    failover: ["node", "failover.cjs"],
  },
  {
    language: "libsql_python",
    of: "libsql",
    probe: ["python3", "-c", "import ensurepip, venv"],
    install: pip(
      "libsql==0.1.11",
      "libsql-client==0.3.1",
      "sqlalchemy-libsql==0.2.0",
      "SQLAlchemy==2.1.9",
      "alembic==1.20.1",
    ),
    programs: [["venv/bin/python", "client.py"]],
    plainOnly: true,
    failover: ["venv/bin/python", "failover.py"],
  },
  {
    language: "libsql_knex",
    of: "libsql",
    probe: ["npm", "--version"],
    // It names sqlite3, for files, whose build would take minutes and is not needed.
    install: [npm("--ignore-scripts", "knex@3.3.0", "@libsql/knex-libsql@0.1.0")],
    programs: [],
    failover: ["node", "failover.cjs"],
  },
  {
    language: "libsql_go",
    of: "libsql",
    probe: ["go", "version"],
    install: [
      ["go", "mod", "init", "client"],
      [
        "go",
        "get",
        "github.com/tursodatabase/libsql-client-go/libsql@v0.0.0-20260528064733-9d5d30a29a60",
      ],
      ["go", "build", "-o", "client", "."],
    ],
    programs: [["./client"]],
  },
];

/** Longest time for one command line. */
const commandTimeoutMs = 600_000;

/** What clients are run against. */
interface Setting {
  readonly name: string;
  readonly options: ClusterOptions;
  /** Which clients it is for. */
  readonly meant: (client: Client) => boolean;
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
    const { ok, output } = await fetching(() => run(command, directory), ({ ok }) => ok);
    if (ok) continue;
    print(`FAILED ${command.join(" ")}:\n${output}\n`);
    return false;
  }
  return true;
}

function countsIn({ ok, output }: Outcome): Counts {
  const counted = /^(\d+) passed, (\d+) failed$/m.exec(output);
  const failed = Number(counted?.[2] ?? 0);
  return { passed: Number(counted?.[1] ?? 0), failed: !ok && failed === 0 ? 1 : failed };
}

/** Runs the programs of clients, by their folders, and returns what they counted. */
async function test(
  { name, options, env, meant }: Setting,
  clients: ReadonlyMap<string, Client>,
): Promise<Counts[]> {
  const programs = [...clients].filter(([, client]) => meant(client))
    .flatMap(([directory, { language, programs }]) =>
      programs.map((program) => ({ directory, language, program }))
    );
  if (programs.length === 0) return [];
  await using cluster = await Cluster.start(options);
  const nodes = [await cluster.follower(), await cluster.leader()];
  const counts: Counts[] = [];
  for (const { directory, language, program } of programs) {
    print(`== ${language}, ${name}\n`);
    const urls = nodes.map(({ url }) => url);
    const outcome = await run([...program, ...urls], directory, env);
    print(outcome.output);
    counts.push(countsIn(outcome));
  }
  return counts;
}

/** Runs a program on all nodes of a cluster, and kills the leader once it has begun. */
async function testFailover(directory: string, program: readonly string[]): Promise<Counts> {
  await using cluster = await Cluster.start();
  const [command = "", ...args] = [...program, ...cluster.nodes.map(({ url }) => url)];
  const child = new Deno.Command(command, {
    args,
    cwd: directory,
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(commandTimeoutMs),
  }).spawn();
  const stdin = child.stdin.getWriter();
  let output = "";
  let isBegun = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (isBegun || !output.includes("begun")) continue;
    isBegun = true;
    await (await cluster.leader()).kill();
    await stdin.write(new TextEncoder().encode("killed\n"));
  }
  await stdin.close().catch(() => {});
  const { success } = await child.status;
  print(`== ${program.join(" ")}, the leader killed\n${output}`);
  return countsIn({ ok: success, output });
}

async function testAll(programs: ReadonlyMap<string, Client>): Promise<Counts[]> {
  await using parts = await protect();
  const { authority, pair, asker } = parts;
  const env = {
    RQLITE_USER: user.name,
    RQLITE_PASSWORD: user.password,
    RQLITE_CA: authority.caPath,
    RAFTLITE_TOKEN: token,
    NODE_EXTRA_CA_CERTS: authority.caPath,
    SSL_CERT_FILE: authority.caPath,
  };
  const users = parts.flags.slice(parts.flags.indexOf("-auth"));
  const { authorization = "" } = asker;
  // An older Deno cannot ask for certificates, and the node says so at its start.
  const asksForCertificates = clientCertificatesMissing() === undefined;
  const verify = ["-http-verify-client", "-http-ca-cert", authority.caPath];
  const settings: readonly Setting[] = [
    { name: "HTTP", options: {}, env: {}, meant: () => true },
    {
      name: "HTTP with users",
      options: { flags: users, authorization },
      env: { RAFTLITE_TOKEN: token },
      meant: ({ of, plainOnly }) => of === "libsql" && plainOnly === true,
    },
    {
      name: "HTTPS with users",
      options: { flags: parts.flags, ...asker },
      env,
      meant: ({ plainOnly }) => plainOnly !== true,
    },
    {
      name: "HTTPS with users and clients' certificates",
      options: { flags: [...parts.flags, ...verify], ...asker },
      env: { ...env, RQLITE_CERT: pair.certPath, RQLITE_KEY: pair.keyPath },
      meant: ({ of, plainOnly }) => of === "rqlite" && plainOnly !== true && asksForCertificates,
    },
  ];
  const counts: Counts[] = [];
  for (const setting of settings) counts.push(...await test(setting, programs));
  for (const [directory, { failover }] of programs) {
    if (failover !== undefined) counts.push(await testFailover(directory, failover));
  }
  return counts;
}

const usage = `Usage: deno task test:clients [LANGUAGE…]

Runs published rqlite clients against a cluster: those in ${
  [...new Set(clients.map(({ language }) => language))].join(", ")
}, or in the languages given.`;

async function main(): Promise<number> {
  const { positionals: languages } = commandLine(usage, { allowPositionals: true });
  for (const language of languages) {
    if (!clients.some((client) => client.language === language)) {
      refuse(usage, `There is no client in ${language}`);
    }
  }
  const programs = new Map<string, Client>();
  let notInstalled = 0;
  try {
    const wanted = clients.filter(({ language }) =>
      languages.length === 0 || languages.includes(language)
    );
    // They wait for the network most of the time.
    await Promise.all(wanted.map(async (client) => {
      const { language, probe } = client;
      if (!(await run(probe, ".")).ok) {
        print(`== ${language}: left out, as ${probe.join(" ")} fails here\n`);
        return;
      }
      const directory = await Deno.makeTempDir({ prefix: `raftlite-client-${language}-` });
      programs.set(directory, client);
      if (await install(client, directory)) return;
      programs.delete(directory);
      await Deno.remove(directory, { recursive: true });
      notInstalled++;
    }));
    const counts = await testAll(programs);
    const passed = counts.reduce((sum, count) => sum + count.passed, 0);
    const failed = counts.reduce((sum, count) => sum + count.failed, notInstalled);
    print(`${passed} passed, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  } finally {
    for (const directory of programs.keys()) await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) Deno.exitCode = await main();
