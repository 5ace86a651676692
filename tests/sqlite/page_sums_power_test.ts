import { strict as assert } from "node:assert";
import { checksum } from "../../src/base/checksum.ts";
import { Prng } from "../../src/base/prng.ts";
import { Database, DatabaseImage, DbConfig, PageSums } from "../../src/sqlite/mod.ts";
import { withDirectory } from "../directory.ts";
import { type DiskEvent, diskRecorders } from "../power/disk_recorder.ts";
import { VolatileFiles } from "../power/volatile_files.ts";
import { anySeed } from "../store/seeds.ts";
import { library, open } from "./page_sums_fixture.ts";

const recorders = await diskRecorders();
const encoder = new TextEncoder();

/** How a run stood at one moment of what its disk was told. */
interface Moment {
  readonly events: number;
  /** How many transactions had been committed, and of those how many were durable. */
  readonly committed: number;
  readonly durable: number;
}

interface Run {
  readonly path: string;
  readonly events: readonly DiskEvent[];
  readonly moments: readonly Moment[];
  /** Of all rows, after each transaction. */
  readonly digests: readonly number[];
}

const insert = "INSERT OR REPLACE INTO t SELECT abs(random()) % 300, hex(randomblob(100)), " +
  "hex(randomblob(abs(random()) % 6000)) FROM generated LIMIT ";

function digestOf(database: Database): number {
  const rows = "SELECT group_concat(id || v || length(w)) FROM (SELECT * FROM t ORDER BY id)";
  return checksum(encoder.encode(String(database.scalar(rows))));
}

function countOf(database: Database): number {
  return Number(database.scalar("SELECT n FROM committed"));
}

/** Writes a database with sums of its pages, closes it in good order now and then, and leaves it. */
function work(directory: string, random: Prng): Run {
  const path = `${directory}/db.sqlite`;
  const recorder = recorders?.(library.path, directory);
  assert.ok(recorder);
  const events: DiskEvent[] = [];
  const moments: Moment[] = [];
  const digests: number[] = [0];
  let durable = 0;
  const note = (committed: number) => {
    events.push(...recorder.take());
    moments.push({ events: events.length, committed, durable });
  };
  let sums = PageSums.begin(library, path, undefined);
  let database = open(path);
  database.exec(
    "BEGIN; CREATE TABLE t (id INTEGER PRIMARY KEY, v, w); CREATE INDEX tv ON t (v); " +
      "CREATE VIEW generated AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) " +
      "SELECT i FROM n; CREATE TABLE committed AS SELECT 0 AS n; COMMIT",
  );
  digests[0] = digestOf(database);
  database.checkpoint("truncate");
  // As a store does once it is open; from here on a power cut may come.
  events.push(...recorder.take(), { type: "directory_synced" });
  note(0);
  for (let left = 20 + random.below(30); left > 0; left--) {
    const what = random.below(13);
    if (what < 6) {
      const change = random.below(4) > 0
        ? insert + (1 + random.below(30))
        : "DELETE FROM t WHERE id % 3 = abs(random()) % 3";
      database.exec(`BEGIN; UPDATE committed SET n = n + 1; ${change}; COMMIT`);
      digests.push(digestOf(database));
    } else if (what < 9) {
      database.checkpoint(random.below(4) > 0 ? "passive" : "truncate");
      durable = digests.length - 1;
    } else if (what === 9) database.exec("VACUUM");
    else if (what === 10) {
      using image = new DatabaseImage(library, path, 1000);
      image.read(0, new Uint8Array(new ArrayBuffer(image.sizeBytes)));
    } else if (what === 11) PageSums.keep(library, path);
    else {
      database.close();
      sums?.end(digests.length - 1);
      sums = PageSums.begin(library, path, digests.length - 1);
      assert.equal(sums?.known, true);
      database = open(path);
      durable = digests.length - 1;
    }
    note(digests.length - 1);
  }
  database.config(DbConfig.noCheckpointOnClose, true);
  database.close();
  PageSums.abandon(library, path);
  recorder.end();
  return { path, events, moments, digests };
}

interface Cuts {
  /** Nothing was wrong with them, of these sums were gone on with. */
  believed: number;
  /** What was wrong. */
  readonly faults: string[];
}

/** Cuts the power at some moment of the run, and looks at what is left as the next start does. */
function cut({ path, events, moments, digests }: Run, random: Prng, cuts: Cuts): void {
  const first = moments[0]?.events ?? 0;
  const syncs = events.flatMap(({ type }, at) => type === "synced" && at >= first ? [at] : []);
  const sync = syncs[random.below(Math.max(1, syncs.length))];
  const until = sync !== undefined && random.chance(0.5)
    ? sync
    : first + random.below(events.length + 1 - first);
  const files = new VolatileFiles(path.slice(0, path.lastIndexOf("/")));
  files.note(events.slice(0, until), random);
  const remains = files.cutPower(random);
  for (const suffix of ["", "-wal", "-sums", "-shm"]) {
    const content = remains.get(path + suffix);
    // Into the same files: whoever looks whether they are others sees none.
    if (content !== undefined) Deno.writeFileSync(path + suffix, content);
    else Deno.removeSync(path + suffix);
  }
  const fault = whatIsWrong(path, (count, digest) => {
    const durable = moments.findLast((moment) => moment.events <= until)?.durable ?? 0;
    const committed = moments.find((moment) => moment.events >= until)?.committed ?? 0;
    if (count < durable) return `${count} transactions are left, ${durable} were durable`;
    if (count > committed) return `${count} transactions are left, of ${committed}`;
    return digest === digests[count] ? undefined : `other rows than after transaction ${count}`;
  });
  if (fault === "believed") cuts.believed++;
  else if (fault !== undefined) cuts.faults.push(`at event ${until}: ${fault}`);
}

function whatIsWrong(
  path: string,
  compare: (count: number, digest: number) => string | undefined,
): string | undefined {
  try {
    let count: number;
    {
      using database = new Database(path, { library, create: false });
      database.config(DbConfig.noCheckpointOnClose, true);
      count = countOf(database);
    }
    const sums = PageSums.begin(library, path, count);
    using image = new DatabaseImage(library, path, 1000);
    image.read(0, new Uint8Array(new ArrayBuffer(image.sizeBytes)));
    const found = image.connection.scalar("PRAGMA integrity_check");
    const reads = sums?.mismatches.reads;
    if (reads !== 0) return `${reads} reads of pages as they were written were refused`;
    if (found !== "ok") return String(found);
    return compare(countOf(image.connection), digestOf(image.connection)) ??
      (sums?.known ? "believed" : undefined);
  } catch (error) {
    return String(error);
  } finally {
    PageSums.abandon(library, path);
  }
}

/** `without`: the disk says of its files whose name ends so that they are synced, and does nothing. */
function lying({ events, ...run }: Run, without: string): Run {
  const liars = new Set<number>();
  for (const event of events) {
    if (event.type === "opened" && event.path.endsWith(without)) liars.add(event.handle);
  }
  // In place of each sync something that does nothing, so that moments stay where they are.
  const nothing: DiskEvent = { type: "closed", handle: 0 };
  const isLie = (event: DiskEvent) => event.type === "synced" && liars.has(event.handle);
  return { ...run, events: events.map((event) => isLie(event) ? nothing : event) };
}

Deno.test({
  name:
    "whatever a power cut leaves of a database, its WAL and its sums: what was durable is there, and no page that was written is called another",
  ignore: recorders === undefined,
  fn: async () => {
    const seed = anySeed();
    const random = new Prng(seed);
    const cuts: Cuts = { believed: 0, faults: [] };
    for (let runs = 0; runs < 4; runs++) {
      await withDirectory((directory) => {
        const run = work(directory, random);
        for (let i = 0; i < 25; i++) cut(run, random, cuts);
        return Promise.resolve();
      });
    }
    assert.deepEqual(cuts.faults, [], `seed ${seed}`);
    assert.ok(cuts.believed > 0, `seed ${seed}`);
  },
});

for (const file of ["-wal", "-sums", "db.sqlite"]) {
  Deno.test({
    name: `power cuts find a disk that syncs ${file} in word only`,
    ignore: recorders === undefined,
    fn: async () => {
      const random = new Prng(17n);
      const cuts: Cuts = { believed: 0, faults: [] };
      for (let runs = 0; runs < 20 && cuts.faults.length === 0; runs++) {
        await withDirectory((directory) => {
          const run = lying(work(directory, random), file);
          for (let i = 0; i < 40 && cuts.faults.length === 0; i++) cut(run, random, cuts);
          return Promise.resolve();
        });
      }
      assert.ok(cuts.faults.length > 0);
    },
  });
}
