import assert from "node:assert/strict";
import type { DiskFile } from "../../src/io/types.ts";
import {
  readFile,
  receiveSnapshot,
  snapshotSize,
  snapshotSizeIn,
  writeSnapshot,
} from "../../src/store/copy/snapshot_body.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
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

Deno.test("receiveSnapshot() refuses what is foreign, cut short anywhere, longer than it says, or damaged", async () => {
  const content = crypto.getRandomValues(new Uint8Array(1000));
  const whole = await bytesOf(writeSnapshot(piecesOf(content, 300), content.length));
  const received = async (bytes: Uint8Array, size = 77) => {
    const disk = new SimulatedDisk({ seed: 1n }).mount();
    const file = await disk.open("/received", { create: true });
    await receiveSnapshot(piecesOf(bytes, size), file);
    return await file.read(0, 2 * content.length);
  };
  for (const size of [1, 7, 1016, 5000]) assert.deepEqual(await received(whole, size), content);
  const refused = (bytes: Uint8Array, message: RegExp) =>
    assert.rejects(received(bytes), { name: "FormatError", message });
  for (let length = 0; length < whole.length; length += length < 20 ? 1 : 97) {
    await refused(
      whole.slice(0, length),
      new RegExp(`^Snapshot is cut short after ${length} bytes`),
    );
  }
  await refused(new Uint8Array([...whole, 0]), /^Snapshot is longer than it says/);
  await refused(new TextEncoder().encode("SQLite format 3".padEnd(100)), /unknown format/);
  for (const at of [20, 500, whole.length - 1]) {
    const damaged = whole.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await refused(damaged, /^Snapshot is damaged: its checksum does not match/);
  }
});

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all = await Array.fromAsync(pieces);
  return new Uint8Array(all.flatMap((piece) => [...piece]));
}

Deno.test("readFile() says where a file ends that is shorter than it was", async () => {
  const content = new Uint8Array(300_000);
  const read = (offset: number, length: number) =>
    Promise.resolve(content.subarray(offset, offset + length));
  const pieces = readFile({ path: "/copy", read }, content.length + 1);
  const lengths: number[] = [];
  const all = async () => {
    for await (const { length } of pieces) lengths.push(length);
  };
  await assert.rejects(all, /^FormatError: File \/copy ends early, at 300000$/);
  assert.deepEqual(lengths, [0x4_0000, 300_000 - 0x4_0000]);
});

Deno.test("snapshotSizeIn() knows the size of all by its head, and none of what is no snapshot", async () => {
  const body = async function* () {
    yield await Promise.resolve(new Uint8Array(1000));
  };
  const { value: head = new Uint8Array() } = await writeSnapshot(body(), 1000).next();
  assert.equal(snapshotSizeIn(head), snapshotSize(1000));
  assert.equal(snapshotSizeIn(head.subarray(1)), undefined);
  assert.equal(snapshotSizeIn(new Uint8Array(head.length)), undefined);
});
