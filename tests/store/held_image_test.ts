import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { DiskError, type DiskFile } from "../../src/io/types.ts";
import { Database, DbConfig, type Library } from "../../src/sqlite/mod.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import { HeldImage, type ImageContent, type ImageLimits } from "../../src/store/copy/held_image.ts";
import { imageThread } from "../../src/store/copy/image_thread.ts";
import { Images, NoImageError } from "../../src/store/copy/images.ts";
import { TemporaryFiles } from "../../src/store/copy/temporary_files.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import type { Thread, ThreadHandlers, Threads } from "../../src/store/threads.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, silent } from "./fixture.ts";

/** SQLITE_FULL. */
const full = 13;

const all: ImageContent = { of: "all" };
/** After a second the rest is copied. */
const limits: ImageLimits = { grownBytesMax: 1e9, heldMsMax: 0, editBytesMax: 1e6 };

/** A database of some 4 MB, and a disk for the rest of its images. */
class Subject implements Disposable {
  readonly path: string;
  readonly database: Database;
  readonly clock = new SimulatedClock();
  readonly disk: DenoDisk;
  /** Called before each write of the disk's. */
  writes = (): void | Promise<void> => {};
  open = 0;

  constructor(directory: string) {
    this.path = `${directory}/db.sqlite`;
    this.database = new Database(this.path, { library });
    this.database.config(DbConfig.noCheckpointOnClose, true);
    this.database.exec("PRAGMA synchronous = OFF");
    this.database.exec("PRAGMA journal_mode = WAL");
    createRaftTables(this.database);
    this.database.exec("CREATE TABLE t (v)");
    this.database.exec("INSERT INTO t VALUES (randomblob(4000000))");
    // deno-lint-ignore no-this-alias
    const subject = this;
    this.disk = new class extends DenoDisk {
      override async open(path: string, options: { create: boolean }): Promise<DiskFile> {
        const file = await super.open(path, options);
        subject.open++;
        const { write, close } = { write: file.write.bind(file), close: file.close.bind(file) };
        file.write = async (offset, bytes) => {
          await subject.writes();
          await write(offset, bytes);
        };
        file.close = () => {
          subject.open--;
          close();
        };
        return file;
      }
    }();
  }

  get restPath(): string {
    return `${this.path}-rest`;
  }

  image(letGo: () => void): HeldImage {
    const { path, restPath, clock, disk } = this;
    return new HeldImage({ library, path, restPath, clock, disk, content: all, limits, letGo });
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

function withImage(
  body: (s: Subject, image: HeldImage, told: { letGo: number }) => Promise<void>,
): Promise<void> {
  return withDirectory(async (directory) => {
    using s = new Subject(directory);
    const { size } = library.connections;
    const told = { letGo: 0 };
    const image = s.image(() => told.letGo++);
    await body(s, image, told);
    await image.close();
    assert.deepEqual([s.open, library.connections.size], [0, size]);
  });
}

const piece = 0x1_0000;

Deno.test("what is left of an image that is held for long is copied, and is of the same moment", () =>
  withImage(async (s, image, told) => {
    const other = s.image(() => {});
    const expected = await other.read(piece, piece);
    await other.close();
    await image.read(0, piece);
    await s.clock.advance(1000);
    await image.copyRest();
    assert.equal(told.letGo, 1);
    s.database.exec("UPDATE t SET v = randomblob(4000000)");
    s.database.checkpoint("truncate");
    assert.deepEqual(await image.read(piece, piece), expected);
    assert.equal((await Deno.stat(s.restPath)).size, image.sizeBytes - piece);
    await Deno.truncate(s.restPath, 2 * piece);
    await assert.rejects(image.read(3 * piece, piece), /File .*-rest ends early/);
  }));

Deno.test("an image of which the rest finds no room is read no further, and holds nothing", () =>
  withImage(async (s, image, told) => {
    let writes = 0;
    s.writes = () => {
      if (++writes > 1) throw new DiskError("full", s.restPath, "No room");
    };
    await image.read(0, piece);
    await image.copyRest();
    assert.deepEqual([writes, told.letGo, s.open], [2, 1, 0]);
    await assert.rejects(
      image.read(piece, piece),
      /^Error: Copy given up: .* to be copied: No room$/,
    );
  }));

Deno.test("an image that is closed while the rest is copied is copied no further", () =>
  withImage(async (s, image) => {
    const written = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    let writes = 0;
    s.writes = () => {
      writes++;
      written.resolve();
      return go.promise;
    };
    const copied = image.copyRest();
    await written.promise;
    const closed = image.close();
    go.resolve();
    await Promise.all([copied, closed]);
    assert.deepEqual([writes, s.open], [1, 0]);
    await assert.rejects(image.read(0, piece), /The copy was closed/);
  }));

/** The thread's program in the test's own thread, and what asks it; SQLite's next step fails when told to. */
function imagesOf(s: Subject, editBytesMax = 1e6) {
  const state = { stepFails: undefined as number | undefined, opened: () => {} };
  const step: Library["symbols"]["sqlite3_step"] = (statement) => {
    const { stepFails } = state;
    state.stepFails = undefined;
    return stepFails ?? library.symbols.sqlite3_step(statement);
  };
  const threads: Threads = {
    start: (_name, handlers) => {
      const receive = imageThread({
        clock: s.clock,
        disk: s.disk,
        openLibrary: () => ({ ...library, symbols: { ...library.symbols, sqlite3_step: step } }),
        post: (reply) => {
          if (reply.type === "answer") state.opened();
          queueMicrotask(() => (handlers as ThreadHandlers<unknown>).receive(reply));
        },
        wait: () => assert.fail("It waits for no memory"),
      });
      return { post: receive, terminate: () => {} } as Thread<never>;
    },
  };
  const life = new LifeCycle();
  const images = new Images({
    ...{ library, path: s.path, life, threads, limits: { ...limits, editBytesMax } },
    temporaries: new TemporaryFiles({ disk: s.disk, logger: silent, databasePath: s.path }),
  });
  life.opened();
  return { images, life, state };
}

const users: ImageContent = { of: "user", journal: "delete" };

Deno.test("why there is no image is told apart: no room, too much that is not the users', a database taken away", () =>
  withDirectory(async (directory) => {
    using s = new Subject(directory);
    const { size } = library.connections;
    const { images, state, life } = imagesOf(s);
    state.stepFails = full;
    await assert.rejects(images.open("backup", all), { name: "DiskError", kind: "full" });
    await assert.rejects(imagesOf(s, 1).images.open("backup", users), NoImageError);
    state.stepFails = 1;
    await assert.rejects(images.open("backup", all), { name: "Error" });
    // The database is exchanged when the image is there, and nobody has it yet.
    state.opened = () => images.hurry();
    await assert.rejects(
      images.open("backup", all),
      /the database was replaced by another meanwhile/,
    );
    state.opened = () => {};
    const image = await images.open("backup", all);
    const pieces = image.pieces();
    await pieces.next();
    state.opened = () => images.hurry();
    await assert.rejects(pieces.next(), /the database was replaced by another meanwhile/);
    await image.close();
    assert.deepEqual([images.areHeld, library.connections.size], [false, size]);
    await life.close(() => Promise.resolve());
    await assert.rejects(images.open("backup", all), /The store is closed/);
  }));
