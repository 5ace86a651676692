import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { FrameTable } from "../../src/sqlite/frame_table.ts";
import { lastFrames } from "../../src/sqlite/wal_index.ts";
import { anySeed } from "../store/seeds.ts";

const headBytes = 136;
const firstRegionFrames = (16_384 - headBytes) / 4;

/** The index of a WAL whose frames are of the pages that `pageOf` says. */
function indexOf(pageOf: (frame: number) => number): Parameters<typeof lastFrames>[0] {
  const sharedMemory = (region: number) => ({
    copyInto(pages: Uint32Array) {
      const before = region === 0 ? 0 : firstRegionFrames + (region - 1) * 4096;
      for (let at = 0; at < pages.length; at++) pages[at] = pageOf(before + at + 1);
    },
  });
  return { sharedMemory: sharedMemory as never };
}

Deno.test("lastFrames() has room for a WAL of more pages than a Map has entries", () => {
  const frames = 2 ** 24 + 10;
  const frameOf = lastFrames(indexOf((frame) => frame), { frames, backfilled: 0 }, frames);
  for (const page of [1, firstRegionFrames + 1, 2 ** 24, frames]) {
    assert.equal(frameOf.get(page), page);
  }
  assert.equal(frameOf.get(frames + 1), undefined);
});

Deno.test("lastFrames() are the last ones of pages that the database has and its file has not", () => {
  const seed = anySeed();
  const random = new Prng(seed);
  for (let round = 0; round < 50; round++) {
    const frames = random.below(20_000);
    const backfilled = random.below(frames + 1);
    const pages = 1 + random.below(10_000);
    const pageOf = Array.from({ length: frames + 1 }, () => 1 + random.below(2 * pages));
    const expected = new Map<number, number>();
    for (let frame = backfilled + 1; frame <= frames; frame++) {
      expected.set(pageOf[frame] ?? 0, frame);
    }
    const index = indexOf((frame) => pageOf[frame] ?? 0);
    const frameOf = lastFrames(index, { frames, backfilled }, pages);
    for (let page = 1; page <= pages; page++) {
      assert.equal(frameOf.get(page), expected.get(page), `seed ${seed}, round ${round}`);
    }
  }
});

Deno.test("FrameTable keeps pages apart, whatever their numbers are", () => {
  const pages = [1, 2 ** 31, 2 ** 32 - 2, 2 ** 16, 2 ** 16 + 1, 2 ** 24];
  const table = new FrameTable(pages.length);
  for (const page of pages) assert.equal(table.get(page), undefined);
  for (const page of pages) table.set(page, 1);
  pages.forEach((page, at) => table.set(page, at + 2));
  pages.forEach((page, at) => assert.equal(table.get(page), at + 2));
  assert.equal(new FrameTable(0).get(1), undefined);
});
