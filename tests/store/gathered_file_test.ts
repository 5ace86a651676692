import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { type Disk, DiskError } from "../../src/io/types.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { GatheredFile } from "../../src/store/apply/gathered_file.ts";
import type { LoadVerdict } from "../../src/store/apply/load_checks.ts";
import { LoadTable, PieceReader } from "../../src/store/apply/load_table.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, sqliteFile, TestStore, until } from "./fixture.ts";

/** A disk that has no room while `isFull`, counts the bytes that were written to it, and may be slow to remove. */
class CountingDisk extends DenoDisk {
  isFull = false;
  bytes = 0;
  mayRemove = Promise.resolve();

  override async remove(path: string): Promise<void> {
    await this.mayRemove;
    await super.remove(path);
  }

  override async open(...asked: Parameters<Disk["open"]>) {
    const file = await super.open(...asked);
    const write = file.write.bind(file);
    file.write = async (offset, bytes) => {
      if (this.isFull) throw new DiskError("full", file.path, "No room");
      await write(offset, bytes);
      this.bytes += bytes.length;
    };
    return file;
  }
}

const own = <Result>(body: () => Result) => body();
const piece = (byte: number) => new Uint8Array(1000).fill(byte);
/** The highest bit is set, which SQLite's integers have for a sign. */
const loadId = 0xf000_0000_0000_0001n;

/** Which files were to be checked, and what comes of it. */
class Checks {
  readonly paths: string[] = [];
  readonly #verdict = Promise.withResolvers<LoadVerdict>();

  begin(path: string): Promise<LoadVerdict> {
    this.paths.push(path);
    return this.#verdict.promise;
  }

  end(verdict: LoadVerdict): void {
    this.#verdict.resolve(verdict);
  }
}

interface Loading {
  readonly disk: CountingDisk;
  readonly clock: SimulatedClock;
  readonly checks: Checks;
  readonly table: LoadTable;
  readonly gathered: GatheredFile;
  readonly open: () => PieceReader;
  /** What the file has; undefined when it is not there. */
  content(): Promise<Uint8Array | undefined>;
}

async function withLoading(test: (loading: Loading) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    using database = new Database(":memory:", { library });
    createRaftTables(database);
    const disk = new CountingDisk();
    const clock = new SimulatedClock();
    const checks = new Checks();
    const check = (path: string) => checks.begin(path);
    const gathered = new GatheredFile(disk, clock, `${directory}/load`, check);
    const open = () => new PieceReader(database, own);
    const content = async () => {
      try {
        return await Deno.readFile(gathered.path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        return undefined;
      }
    };
    try {
      await test({ disk, clock, checks, table: new LoadTable(database), gathered, open, content });
    } finally {
      gathered.letGo();
      await gathered.removed();
    }
  });
}

function joined(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

function wantedOf(bytes: Uint8Array) {
  return { size: bytes.length, checksum: checksum(bytes) };
}

/** As it is without a check ahead. */
function finishedOf(bytes: Uint8Array, verdict: LoadVerdict = { type: "unknown" }) {
  return { ...wantedOf(bytes), verdict };
}

Deno.test("GatheredFile puts pieces together as they come, and the last one's end copies what is left", () =>
  withLoading(async ({ disk, table, gathered, open, content }) => {
    table.add(loadId, 0, piece(1));
    await gathered.follow(open);
    table.add(loadId, 1000, piece(2));
    table.add(loadId, 2000, piece(3));
    await gathered.follow(open);
    const three = joined(piece(1), piece(2), piece(3));
    assert.deepEqual(await content(), three);
    table.add(loadId, 3000, piece(4).subarray(0, 10));
    const whole = joined(three, piece(4).subarray(0, 10));
    using pieces = open();
    assert.deepEqual(await gathered.finish(pieces, wantedOf(whole)), finishedOf(whole));
    assert.deepEqual(await content(), whole);
    assert.equal(disk.bytes, whole.length, "Nothing is written twice");
  }));

Deno.test("GatheredFile begins anew with another load, and where it has what is not wanted", () =>
  withLoading(async ({ table, gathered, open, content }) => {
    for (const [at, byte] of [1, 2, 3].entries()) table.add(7n, at * 1000, piece(byte));
    await gathered.follow(open);
    table.add(loadId, 0, piece(4));
    await gathered.follow(open);
    assert.deepEqual(await content(), piece(4));
    // The same load once more, with other content: of that nobody tells.
    table.add(loadId, 0, piece(5));
    table.add(loadId, 1000, piece(6));
    await gathered.follow(open);
    const whole = joined(piece(5), piece(6));
    using pieces = open();
    assert.deepEqual(await gathered.finish(pieces, wantedOf(whole)), finishedOf(whole));
    assert.deepEqual(await content(), whole);
    // What is wanted is not there at all.
    assert.deepEqual(await gathered.finish(pieces, wantedOf(piece(9))), finishedOf(whole));
  }));

Deno.test("GatheredFile takes another load while the file of one that was dropped is removed", () =>
  withLoading(async ({ disk, table, gathered, open, content }) => {
    table.add(7n, 0, piece(1));
    await gathered.follow(open);
    const dropped = gathered.path;
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.mayRemove = promise;
    table.abort(7n);
    await gathered.follow(open);
    table.add(loadId, 0, piece(2));
    await gathered.follow(open);
    assert.deepEqual(await content(), piece(2));
    resolve();
    await gathered.removed();
    await assert.rejects(Deno.stat(dropped), Deno.errors.NotFound);
    assert.deepEqual(await content(), piece(2));
  }));

Deno.test("GatheredFile leaves a load alone for which there is no room, up to its end", () =>
  withLoading(async ({ disk, table, gathered, open, content }) => {
    table.add(loadId, 0, piece(1));
    await gathered.follow(open);
    disk.isFull = true;
    table.add(loadId, 1000, piece(2));
    await gathered.follow(open);
    await gathered.removed();
    assert.equal(await content(), undefined, "It gives its room back");
    disk.isFull = false;
    disk.bytes = 0;
    await gathered.follow(open);
    assert.equal(disk.bytes, 0, "It would copy all of it, and at the next piece again");
    const whole = joined(piece(1), piece(2));
    using pieces = open();
    disk.isFull = true;
    await assert.rejects(gathered.finish(pieces, wantedOf(whole)), DiskError);
    disk.isFull = false;
    assert.deepEqual(await gathered.finish(pieces, wantedOf(whole)), finishedOf(whole));
    assert.deepEqual(await content(), whole);
  }));

Deno.test("GatheredFile removes what nothing follows on, and has a load made all the same when its end comes", () =>
  withLoading(async ({ clock, table, gathered, open, content }) => {
    table.add(loadId, 0, piece(1));
    await gathered.follow(open);
    await clock.advance(500_000);
    table.add(loadId, 1000, piece(2));
    await gathered.follow(open);
    await clock.advance(500_000);
    assert.deepEqual(await content(), joined(piece(1), piece(2)), "Something came meanwhile");
    await clock.advance(200_000);
    await until(async () => await content() === undefined);
    table.add(loadId, 2000, piece(3));
    await gathered.follow(open);
    assert.equal(await content(), undefined, "It was given up");
    const whole = joined(piece(1), piece(2), piece(3));
    using pieces = open();
    assert.deepEqual(await gathered.finish(pieces, wantedOf(whole)), finishedOf(whole));
    assert.deepEqual(await content(), whole);
    assert.equal(clock.pending, 0, "The file is its taker's");
  }));

Deno.test("GatheredFile has a file checked once it is as long as its header says, and its end waits for that", () =>
  withLoading(async ({ checks, table, gathered, open, content }) => {
    const whole = await sqliteFile("CREATE TABLE t (v)");
    table.add(loadId, 0, whole.subarray(0, 5000));
    await gathered.follow(open);
    assert.deepEqual(checks.paths, []);
    table.add(loadId, 5000, whole.subarray(5000));
    await gathered.follow(open);
    await gathered.follow(open);
    assert.deepEqual(checks.paths, [gathered.path]);
    using pieces = open();
    const finishing = gathered.finish(pieces, wantedOf(whole));
    const verdict = { type: "unfit", why: "it is" } as const;
    checks.end(verdict);
    assert.deepEqual(await finishing, finishedOf(whole, verdict));
    assert.deepEqual(await content(), whole);
  }));

Deno.test("GatheredFile begins anew where its check was given up, or more came behind what was checked", () =>
  withLoading(async ({ checks, table, gathered, open, content }) => {
    const whole = await sqliteFile("CREATE TABLE t (v)");
    table.add(loadId, 0, whole);
    await gathered.follow(open);
    const checked = gathered.path;
    const isThere = () => Deno.stat(checked).then(() => true, () => false);
    // As a check leaves it in the middle.
    await Deno.writeFile(checked, piece(9));
    checks.end({ type: "unknown" });
    {
      using pieces = open();
      assert.deepEqual(await gathered.finish(pieces, wantedOf(whole)), finishedOf(whole));
    }
    assert.deepEqual(await content(), whole);
    await gathered.removed();
    assert.equal(await isThere(), false, "It has another name");
    await gathered.follow(open);
    table.add(loadId, whole.length, piece(1));
    await gathered.follow(open);
    const more = joined(whole, piece(1));
    using pieces = open();
    assert.deepEqual(await gathered.finish(pieces, wantedOf(more)), finishedOf(more));
    assert.deepEqual(await content(), more);
  }));

Deno.test("openStore removes the file of a load that was under way", async () => {
  const s = await TestStore.open();
  await s.apply(
    s.entries.command({
      type: "load_chunk",
      loadId,
      offset: 0,
      bytes: piece(1),
      request: undefined,
    }),
  );
  const path = `${s.directory}/db.sqlite.tmp-load-1`;
  const isThere = () => Deno.stat(path).then(() => true, () => false);
  await until(isThere);
  // As a node that is killed leaves it.
  const content = await Deno.readFile(path);
  await s.store.close();
  await Deno.writeFile(path, content);
  await using _again = await TestStore.open({ directory: s.directory });
  assert.equal(await isThere(), false);
});

Deno.test("Store.apply has a load's file put together before its end, and none of one that is given up", async () => {
  await using s = await TestStore.open();
  const apply = (offset: number, bytes: Uint8Array) =>
    s.apply(s.entries.command({ type: "load_chunk", loadId, offset, bytes, request: undefined }));
  const path = `${s.directory}/db.sqlite.tmp-load-1`;
  const size = () => Deno.stat(path).then(({ size }) => size, () => undefined);
  await apply(0, piece(1));
  await until(async () => await size() === 1000);
  await apply(1000, piece(2));
  await until(async () => await size() === 2000);
  await s.apply(s.entries.command({ type: "load_abort", loadId, request: undefined }));
  await until(async () => await size() === undefined);
});
