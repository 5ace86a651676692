import { strict as assert } from "node:assert";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import type { Disk } from "../../src/io/types.ts";
import { readIdentity } from "../../src/member/identity.ts";
import { logDirectory } from "../../src/member/open_log.ts";
import { openers } from "../../src/member/openers.ts";
import { recover } from "../../src/node/recovery.ts";
import { decidePromotion, finishPromotion, UndecidedError } from "../../src/standby/promotion.ts";
import { StandbyNode, type StandbyNodeParts } from "../../src/standby/standby_node.ts";
import { readStandbyRecord, writeStandbyRecord } from "../../src/standby/record.ts";
import { Prng } from "../../src/base/prng.ts";
import { withDirectory } from "../directory.ts";
import { silent } from "../store/fixture.ts";

/** A disk under a program that dies before its n-th change. */
function dyingDisk(changes: number): { readonly disk: Disk; isDead(): boolean } {
  let left = changes;
  const step = () => {
    if (left-- <= 0) throw new Error("The program is dead");
  };
  const disk = new DenoDisk();
  const dying: Disk = {
    async open(path, options) {
      if (options.create) step();
      const file = await disk.open(path, options);
      return {
        path: file.path,
        read: (offset, length) => file.read(offset, length),
        size: () => file.size(),
        close: () => file.close(),
        async write(offset, bytes) {
          step();
          await file.write(offset, bytes);
        },
        async truncate(size) {
          step();
          await file.truncate(size);
        },
        async sync() {
          step();
          await file.sync();
        },
      };
    },
    list: (directory) => disk.list(directory),
    exists: (path) => disk.exists(path),
    async makeDirectory(path) {
      step();
      await disk.makeDirectory(path);
    },
    async rename(from, to) {
      step();
      await disk.rename(from, to);
    },
    async link(from, to) {
      step();
      await disk.link(from, to);
    },
    async remove(path) {
      step();
      await disk.remove(path);
    },
    async syncDirectory(path) {
      step();
      await disk.syncDirectory(path);
    },
  };
  return { disk: dying, isDead: () => left < 0 };
}

const applied = { index: 4711, term: 9 };
const oldCluster = "00000000000000aa";

/** What a start does, as far as it comes; the standby was asked to promote in an earlier one. */
async function start(disk: Disk, directory: string, random: Prng): Promise<void> {
  const record = await readStandbyRecord(disk, directory);
  assert(record !== undefined);
  const { promoted } = record.promoted === undefined
    ? await decidePromotion({ disk, random }, directory, record, applied)
    : record;
  assert(promoted !== undefined);
  const parts = { disk, clock: new DenoClock(), logger: silent, openers };
  const node = { directory, nodeId: "n", address: "a:1", httpAddress: "http://a:2" };
  await finishPromotion(parts, { ...record, promoted }, node);
}

Deno.test("a promotion that dies before any of its changes to the disk is finished by the next start, as the one that was decided", async () => {
  const disk = new DenoDisk();
  let survived = false;
  for (let changes = 0; !survived; changes++) {
    await withDirectory(async (directory) => {
      await writeStandbyRecord(disk, directory, { version: 1, cluster: oldCluster });
      const dying = dyingDisk(changes);
      try {
        await start(dying.disk, directory, new Prng(1n));
        survived = true;
      } catch (error) {
        assert(dying.isDead(), `${error}`);
      }
      const decided = (await readStandbyRecord(disk, directory))?.promoted;
      await start(disk, directory, new Prng(2n));
      const { promoted } = await readStandbyRecord(disk, directory) ?? {};
      if (decided !== undefined) assert.equal(promoted?.clusterId, decided.clusterId);
      assert.notEqual(promoted?.clusterId, oldCluster);
      const identity = await readIdentity(disk, directory);
      assert.equal(identity?.clusterId, promoted?.clusterId);
      assert.equal(identity?.incarnation, promoted?.incarnation);
      const place = { disk, directory: logDirectory(directory), clock: new DenoClock() };
      const { log, contents } = await openers.logs.open({ ...place, logger: silent });
      await log.close();
      assert.deepEqual(recover({ contents, applied, marker: undefined }, directory), {
        type: "continue",
      });
      const { index, term, configuration } = contents.compaction;
      assert.deepEqual([index, term, contents.hardState.term], [4711, 9, 9]);
      assert.deepEqual(configuration.members.map(({ id, suffrage }) => [id, suffrage]), [
        [`n/${promoted?.incarnation}`, "voter"],
      ]);
    });
  }
});

Deno.test("a promotion that is finished is not made again when the log is gone", async () => {
  await withDirectory(async (directory) => {
    const disk = new DenoDisk();
    await writeStandbyRecord(disk, directory, { version: 1, cluster: oldCluster });
    await start(disk, directory, new Prng(1n));
    await Deno.remove(logDirectory(directory), { recursive: true });
    await start(disk, directory, new Prng(1n));
    assert.equal(await disk.exists(logDirectory(directory)), false);
  });
});

/** A disk that fails to sync a directory so often, once a file has its new name there. */
class FailingDisk extends DenoDisk {
  #left: number;

  constructor(times: number) {
    super();
    this.#left = times;
  }

  override async syncDirectory(path: string): Promise<void> {
    if (this.#left-- > 0) throw new Error("Input/output error");
    await super.syncDirectory(path);
  }
}

for (const [times, goesOn] of [[1, true], [Infinity, false]] as const) {
  const what = goesOn ? "goes on as a standby" : "applies nothing more";
  Deno.test(`a standby whose promotion the disk fails ${what}`, async () => {
    await withDirectory(async (directory) => {
      const record = { version: 1, cluster: oldCluster } as const;
      await writeStandbyRecord(new DenoDisk(), directory, record);
      let starts = 0;
      const standby = new StandbyNode({
        ...{
          directory,
          record,
          disk: new FailingDisk(times),
          random: new Prng(1n),
          logger: silent,
        },
        follower: {
          figures: {},
          finish: () => Promise.resolve(undefined),
          start: () => starts++,
        },
        store: { applied, checkpoint: () => Promise.resolve(applied) },
        onPromoted: () => assert.fail("It is not promoted"),
      } as unknown as StandbyNodeParts);
      const asked = () => standby.promote({ timeoutMs: 1000, asIs: false });
      if (goesOn) {
        await assert.rejects(asked(), /Input\/output error/);
        // What a next start finds must not end where it has gone on.
        assert.deepEqual(await readStandbyRecord(new DenoDisk(), directory), record);
      } else {
        for (let n = 0; n < 2; n++) await assert.rejects(asked(), UndecidedError);
      }
      assert.equal(starts, goesOn ? 1 : 0);
    });
  });
}
