import assert from "node:assert/strict";
import type { DiskFile } from "../../src/io/types.ts";
import { receiveSnapshot, writeSnapshot } from "../../src/store/copy/snapshot_body.ts";
import { Prng } from "../../src/base/prng.ts";
import { anySeed } from "./seeds.ts";

const mebibyte = 1024 * 1024;

Deno.test("receiveSnapshot() never leaves much unsynced, for which a sync of the log would wait", async () => {
  const random = new Prng(anySeed());
  const pieces = Array.from(
    { length: 100 },
    () => new Uint8Array(1 + random.below(mebibyte)),
  );
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  let written = 0;
  let unsynced = 0;
  let most = 0;
  const file: Pick<DiskFile, "write" | "sync"> = {
    write: (offset, bytes) => {
      assert.equal(offset, written);
      written += bytes.length;
      unsynced += bytes.length;
      most = Math.max(most, unsynced);
      return Promise.resolve();
    },
    sync: () => {
      unsynced = 0;
      return Promise.resolve();
    },
  };
  async function* body() {
    yield* pieces;
    await Promise.resolve();
  }
  await receiveSnapshot(writeSnapshot(body(), size), file as DiskFile);
  assert.equal(written, size);
  assert.ok(most < 9 * mebibyte, `${most} bytes were unsynced`);
});
