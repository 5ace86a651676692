import { Prng } from "../../src/base/prng.ts";
import { parseSegmentName } from "../../src/raft_log/segment_header.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { commandLine, refuse } from "../../tools/command_line.ts";
import { addTotals, type Counts, noTotals, sumOf } from "../proof/totals.ts";

const usage = `Usage: deno task damage [--rounds N] [--seed N] [--totals FILE]

Damages files of one node of three, round after round (100, --rounds), while it is stopped and while
it runs, and looks what becomes of that. A service manager's part, to start a node again that has
ended, is played here. What the node answers meanwhile from its own copy must be what the others
have, or an error. Ends with 1 when it is not, or nothing makes up for the damage. --totals adds each
round to the sums in a file, as docs/proof.json.`;

const options = {
  rounds: { type: "string", default: "100" },
  seed: { type: "string" },
  totals: { type: "string" },
} as const;

const pageBytes = 4096;
const insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) " +
  "INSERT INTO t (v, w) SELECT hex(randomblob(40)), abs(random()) % 1000 FROM n";
const rows = [
  "SELECT count(*), sum(id), sum(length(v)) FROM t",
  "SELECT group_concat(v) FROM (SELECT v FROM t ORDER BY id)",
  "SELECT count(*) FROM t INDEXED BY tw WHERE w >= 0",
];

type Outcome =
  | "unharmed"
  | "repaired at a start"
  | "repaired by sums of pages"
  | "repaired by a comparison";

/** What a file was before the round, for a disk that has lost what was written since. */
type Files = ReadonlyMap<string, Uint8Array>;

/** Those that it reads while it runs, or at a start. */
async function filesOf(node: NodeProcess, isRunning: boolean): Promise<string[]> {
  const found: string[] = [];
  const ofNode = isRunning
    ? /^db\.sqlite(-wal|-sums)?$/
    : /^(db\.sqlite(-wal|-sums)?|node\.json(\.copy)?|members\.json)$/;
  for (
    const [directory, isWanted] of [
      [node.directory, (name: string) => ofNode.test(name)],
      [`${node.directory}/raft`, (name: string) => parseSegmentName(name) !== undefined],
    ] as const
  ) {
    for await (const { name } of Deno.readDir(directory)) {
      const path = `${directory}/${name}`;
      if (isWanted(name) && (await Deno.stat(path)).size > 0) found.push(path);
    }
  }
  return found.sort();
}

function databaseOf({ directory }: NodeProcess): string {
  return `${directory}/db.sqlite`;
}

/** Does something to a file that a disk may do; returns what. */
async function damage(path: string, before: Files, random: Prng): Promise<string> {
  using file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  const pages = Math.max(1, Math.floor(size / pageBytes));
  const read = async (page: number) => {
    await file.seek(page * pageBytes, Deno.SeekMode.Start);
    const bytes = new Uint8Array(pageBytes);
    await file.read(bytes);
    return bytes;
  };
  const write = async (page: number, bytes: Uint8Array) => {
    await file.seek(page * pageBytes, Deno.SeekMode.Start);
    await file.write(bytes.subarray(0, Math.min(pageBytes, size - page * pageBytes)));
  };
  const page = random.below(pages);
  const bytes = await read(page);
  const kinds = ["flipped", "content", "zeroed", "swapped", "old", "random", "taken back"];
  const kind = kinds[random.below(kinds.length)];
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (kind === "taken back") {
    // All that was written since.
    const old = before.get(path) ?? new Uint8Array();
    await file.truncate(0);
    await file.write(old);
    return `${name} ${kind}`;
  }
  if (kind === "content") {
    // Of one row, by letters that another row could have: SQLite sees nothing in it.
    const digit = bytes.findLastIndex((byte) => byte >= 0x30 && byte < 0x37);
    if (digit >= 0) bytes[digit] = (bytes[digit] ?? 0) ^ 1;
    await write(page, bytes);
  } else if (kind === "old") {
    const old = before.get(path)?.subarray(page * pageBytes, (page + 1) * pageBytes);
    await write(page, old?.length === pageBytes ? old : new Uint8Array(pageBytes));
  } else if (kind === "flipped") {
    for (let i = 0; i < 1 + random.below(4); i++) {
      const at = random.below(Math.max(1, Math.min(pageBytes, size)));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
    await write(page, bytes);
  } else if (kind === "zeroed") await write(page, new Uint8Array(pageBytes));
  else if (kind === "random") {
    await write(page, Uint8Array.from(bytes, () => random.below(256)));
  } else {
    const other = random.below(pages);
    await write(page, await read(other));
    await write(other, bytes);
  }
  return `page ${page} of ${name} ${kind}`;
}

interface Report {
  readonly state: string;
  readonly message: string;
  readonly copies: Record<string, { readonly verdict: string }>;
}

/** What the damage has ended meanwhile is started again. */
async function compare(cluster: Cluster, victim: NodeProcess): Promise<Report> {
  return await eventually("a comparison that has all copies", async () => {
    if (!victim.running) await revive(victim);
    const leader = await cluster.leader();
    await leader.fetch("/verify", { method: "POST" });
    const report = await eventually("the comparison to end", async () => {
      const { body } = await leader.fetch("/verify");
      const report = JSON.parse(body) as Report;
      return report.state !== "running" && report;
    });
    const verdicts = Object.values(report.copies ?? {}).map(({ verdict }) => verdict);
    return report.state === "done" && verdicts.length === 3 &&
      !verdicts.includes("not_compared") && report;
  });
}

/** Keeps the node running until it is ready, as a service manager would. */
async function revive(node: NodeProcess): Promise<void> {
  for (let starts = 0; starts < 5; starts++) {
    if (!node.running) node.start();
    const gone = node.exited().then(() => "gone");
    if (await Promise.race([node.ready().then(() => "ready"), gone]) === "ready") return;
  }
  throw new Error(`${node.id} does not start\n${node.log.slice(-3000)}`);
}

function read(node: NodeProcess, sql: string) {
  return node.fetch(`/db/query?level=linearizable&q=${encodeURIComponent(sql)}`);
}

/**
 * Asks the node for all rows from its own copy, as it is after all that is committed: the rows of the
 * others, or none.
 */
async function readAgain(node: NodeProcess, expected: readonly string[]): Promise<number> {
  let refused = 0;
  for (const [i, sql] of rows.entries()) {
    // It may have ended over its damage.
    const answer = await read(node, sql).catch(() => undefined);
    if (answer?.status !== 200 || /"error"/.test(answer.body)) refused++;
    else if (answer.body !== expected[i]) {
      const [said, right] = [answer.body, expected[i] ?? ""].map((body) => body.slice(0, 300));
      throw new Error(`${node.id} answers what is damaged: ${said}, not ${right}`);
    }
  }
  return refused;
}

interface Round {
  readonly what: string;
  readonly outcome: Outcome;
  /** Reads that were answered with an error, and not with what is damaged. */
  readonly refused: number;
}

async function round(cluster: Cluster, random: Prng): Promise<Round> {
  const leader = await cluster.leader();
  const old: Files = new Map(
    await Promise.all(
      (await Promise.all(cluster.nodes.map((node) => filesOf(node, false)))).flat().map(
        async (path) => {
          return [path, await Deno.readFile(path)] as const;
        },
      ),
    ),
  );
  await leader.execute([insert, "UPDATE t SET w = w + 1 WHERE id % 7 = 0"]);
  const victim = cluster.nodes[random.below(3)];
  if (victim === undefined) throw new Error("No node");
  // What is in the file only is not read from the WAL.
  if (random.below(2) === 0) await victim.fetch("/snapshot?trailing_logs=100", { method: "POST" });
  const expected = await Promise.all(rows.map(async (sql) => (await read(leader, sql)).body));
  const before = victim.log.length;
  const isRunning = random.below(3) === 0;
  const signal = random.below(2) === 0 ? "SIGTERM" : "SIGKILL";
  if (!isRunning) await victim.kill(signal);
  const found = await filesOf(victim, isRunning);
  // Half of the time the database, whose pages are what most of this is about.
  const path = random.below(2) === 0 ? databaseOf(victim) : found[random.below(found.length)] ?? "";
  const done = await damage(path, old, random);
  const what = `${isRunning ? "running" : signal} ${victim.id}: ${done}`;
  console.log(what);
  // One that goes on meets what is damaged when it reads it.
  if (isRunning && random.below(2) === 0) await victim.kill("SIGKILL");
  if (!victim.running) await revive(victim);
  const refused = await readAgain(victim, expected);
  const first = await compare(cluster, victim);
  if (/"differs"/.test(JSON.stringify(first.copies))) {
    await eventually("the copy to be replaced", async () => {
      if (!victim.running) await revive(victim);
      return /Snapshot at index \d+ installed/.test(victim.log.slice(before));
    });
  }
  await revive(victim);
  const last = await compare(cluster, victim);
  const verdicts = Object.values(last.copies).map(({ verdict }) => verdict);
  if (verdicts.some((verdict) => verdict !== "same")) throw new Error(last.message);
  await cluster.converged(rows);
  const log = victim.log.slice(before);
  const outcome = /set aside, and|both are written anew/.test(log)
    ? "repaired at a start"
    : /is not what was written there/.test(log)
    ? "repaired by sums of pages"
    : /copy of the database is damaged/.test(log)
    ? "repaired by a comparison"
    : "unharmed";
  return { what, outcome, refused };
}

/** Runs rounds from a seed, and hands out what each has come to; throws with the one that went wrong. */
async function damageRounds(
  seed: number,
  rounds: number,
  note: (counts: Counts) => Promise<void>,
): Promise<void> {
  const random = new Prng(BigInt(seed));
  await using cluster = await Cluster.start({ flags: ["-page-check-interval", "2s"] });
  await (await cluster.leader()).execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w)",
    "CREATE INDEX tw ON t (w)",
    insert,
  ]);
  for (const node of cluster.nodes) {
    await node.fetch("/snapshot?trailing_logs=5", { method: "POST" });
  }
  for (let i = 0; i < rounds; i++) {
    try {
      const { what, outcome, refused } = await round(cluster, random);
      await note({ rounds: 1, [outcome]: 1, "reads refused": refused });
      console.log(`round ${i}: ${what}: ${outcome}`);
    } catch (error) {
      throw new Error(`Seed ${seed}, round ${i}: ${error}`, { cause: error });
    }
  }
}

async function main(): Promise<void> {
  const { values } = commandLine(usage, { options });
  const drawn = Math.floor(Math.random() * 1e9);
  const [rounds = 0, seed = 0] = [values.rounds, values.seed ?? drawn].map(Number);
  if (![rounds, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    refuse(usage, "Rounds and seeds are whole numbers");
  }
  console.log(`seed ${seed}`);
  let sums = noTotals;
  await damageRounds(seed, rounds, async (counts) => {
    const added = { sums: { damage: counts }, planted: {} };
    sums = sumOf(sums, added);
    // Of a run that is ended before its last round, those before it have happened.
    if (values.totals !== undefined) await addTotals(values.totals, added);
  });
  console.log(sums.sums["damage"]);
}

if (import.meta.main) await main();
