import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

const changesBytes = 1024 * 1024;

/** A store with the record of its changes, of which a power cut has left what a test makes of it. */
class CutStore implements AsyncDisposable {
  readonly #before: TestStore;
  readonly directory: string;
  readonly lines: string[] = [];

  private constructor(before: TestStore, directory: string) {
    this.#before = before;
    this.directory = directory;
  }

  static async open(): Promise<CutStore> {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-store-" });
    return new CutStore(await TestStore.open({ changesBytes }), directory);
  }

  get index(): number {
    return this.#before.store.applied.index;
  }

  /** Writes a row each. */
  async write(...values: readonly string[]): Promise<void> {
    await this.#before.execute(["CREATE TABLE IF NOT EXISTS t (v)"]);
    for (const v of values) await this.#before.execute([`INSERT INTO t VALUES ('${v}')`]);
  }

  /** Has the power cut leave a file as it is now. */
  async leave(name: "db.sqlite" | "changes.sqlite"): Promise<void> {
    for (const end of ["", "-wal"]) {
      const file = `${this.#before.directory}/${name}${end}`;
      const isThere = await Deno.stat(file).then(() => true, () => false);
      if (isThere) await Deno.copyFile(file, `${this.directory}/${name}${end}`);
    }
  }

  /** Ends and starts the store in order: nothing is in its WAL any more. */
  async restart(): Promise<void> {
    await this.#before.restart();
  }

  /** All of the WAL is in the database, and the next write begins it anew. */
  async checkpoint(): Promise<void> {
    await this.#before.store.checkpoint();
  }

  /** Starts with what was left. */
  async start(): Promise<TestStore> {
    const { directory, lines } = this;
    const logger = {
      log: (level: string, _: string, text: string) => {
        if (/changes? (?:are|log)/i.test(text)) lines.push(`${level} ${text}`);
      },
    };
    return await TestStore.open({ changesBytes, directory, logger }, this.#before.entries);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#before.close();
  }
}

/** Leaves a database with two rows more than its changes tell of; returns up to which entry they do. */
async function leaveAhead(cut: CutStore): Promise<number> {
  await cut.write("a", "b");
  await cut.leave("changes.sqlite");
  const recorded = cut.index;
  await cut.write("c", "d");
  await cut.leave("db.sqlite");
  return recorded;
}

Deno.test("a database that is further than the record of its changes goes back, as far as its WAL has it", async () => {
  await using cut = await CutStore.open();
  const recorded = await leaveAhead(cut);
  await using after = await cut.start();
  assert.deepEqual(cut.lines, [
    `INFO Database ${after.path} is at entry ${cut.index}, and its changes are recorded up to ` +
    `${recorded} only; it goes back to entry ${recorded}: what is behind is applied again`,
  ]);
  assert.equal(after.store.applied.index, recorded);
  assert.match(await after.query("SELECT v FROM t"), /\[\["a"\],\["b"\]\]/);
  assert.equal(after.store.changes?.status.oldest, 1);
});

Deno.test("a WAL of which a power cut has torn a transaction is read as far as it is whole", async () => {
  await using cut = await CutStore.open();
  const recorded = await leaveAhead(cut);
  const wal = `${cut.directory}/db.sqlite-wal`;
  const content = await Deno.readFile(wal);
  // The last transaction's pages say what no page says: not one may be taken for what it was.
  const frames = framesOf(content);
  const lastCommitButOne = frames.findLastIndex(({ isCommit }, i) =>
    isCommit && i < frames.length - 1
  );
  for (const { page } of frames.slice(lastCommitButOne + 1)) {
    page.fill(0xff, 1).fill(0x0d, 0, 1).set([0, 1], 3);
  }
  await Deno.writeFile(wal, content);
  await using after = await cut.start();
  assert.deepEqual(cut.lines, [
    `INFO Database ${after.path} is at entry ${
      cut.index - 1
    }, and its changes are recorded up to ` +
    `${recorded} only; it goes back to entry ${recorded}: what is behind is applied again`,
  ]);
  assert.equal(after.store.applied.index, recorded);
  assert.match(await after.query("SELECT v FROM t"), /\[\["a"\],\["b"\]\]/);
});

/** https://www.sqlite.org/fileformat2.html#walformat */
function framesOf(wal: Uint8Array): { readonly isCommit: boolean; readonly page: Uint8Array }[] {
  const view = new DataView(wal.buffer, wal.byteOffset);
  const pageBytes = view.getUint32(8);
  const frames = [];
  for (let at = 32; at + 24 + pageBytes <= wal.length; at += 24 + pageBytes) {
    const isOfThisWal = view.getUint32(at + 8) === view.getUint32(16);
    if (!isOfThisWal) break;
    frames.push({
      isCommit: view.getUint32(at + 4) !== 0,
      page: wal.subarray(at + 24, at + 24 + pageBytes),
    });
  }
  return frames;
}

for (const wal of ["no WAL", "a new WAL", "a WAL begun anew, before what it had"] as const) {
  Deno.test(`a database with ${wal} stays where it is, and says that changes are lost`, async () => {
    await using cut = await CutStore.open();
    await cut.write("a", "b");
    await cut.leave("changes.sqlite");
    const recorded = cut.index;
    await cut.write("c");
    if (wal === "a WAL begun anew, before what it had") await cut.checkpoint();
    else await cut.restart();
    const isWritten = wal !== "no WAL";
    if (isWritten) await cut.write("d");
    await cut.leave("db.sqlite");
    await using after = await cut.start();
    assert.deepEqual(cut.lines, [
      `WARN Database ${after.path} is at entry ${cut.index}, and its changes are recorded up to ` +
      `${recorded} only; it stays so, and the changes up to there are lost`,
    ]);
    assert.equal(after.store.applied.index, cut.index);
    assert.match(await after.query("SELECT max(v) FROM t"), isWritten ? /"d"/ : /"c"/);
    assert.equal(after.store.changes?.status.oldest, cut.index + 1);
  });
}

Deno.test("a record of changes that is damaged is begun anew, and one that is empty is begun", async () => {
  for (const content of ["no database".repeat(1000), ""]) {
    await using cut = await CutStore.open();
    await cut.write("a");
    await cut.leave("db.sqlite");
    await Deno.writeTextFile(`${cut.directory}/changes.sqlite`, content);
    await using after = await cut.start();
    const [line, ...rest] = cut.lines;
    assert.deepEqual(rest, []);
    if (content === "") assert.equal(line, undefined);
    else assert.match(line ?? "", /^ERROR Change log .*changes\.sqlite is damaged and begun anew/);
    assert.equal(after.store.applied.index, cut.index);
    assert.equal(after.store.changes?.status.oldest, cut.index + 1);
  }
});
