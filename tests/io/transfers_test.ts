import { strict as assert } from "node:assert";
import { countedSource, progressText, Transfers } from "../../src/io/transfers.ts";
import { LogLines } from "../backup/fixture.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const second = 1000;
const mebibyte = 1024 * 1024;

Deno.test("a transfer tells its bytes, the rate of late, and the time that is left", async () => {
  const clock = new SimulatedClock();
  const transfers = new Transfers(clock, new LogLines());
  const transfer = transfers.begin("load", { what: "x", totalBytes: 100 * mebibyte });
  const step = async (bytes: number) => {
    await clock.advance(second);
    transfer.add(bytes);
  };
  for (let i = 0; i < 20; i++) await step(mebibyte);
  assert.equal(transfer.figures.bytesPerSecond, mebibyte);
  assert.equal(transfer.figures.leftMs, 80 * second);
  // What it did at the beginning counts no more.
  for (let i = 0; i < 20; i++) await step(2 * mebibyte);
  assert.equal(transfer.figures.bytesPerSecond, 2 * mebibyte);
  assert.equal(progressText(transfer.figures), "60.0 MiB of 100.0 MiB (60 %), 2.0 MiB/s, 20s left");
  // Nothing comes any more: it gets slower, and does not go on as it was.
  await clock.advance(90 * second);
  assert.ok(transfer.figures.bytesPerSecond < mebibyte / 4);
  assert.equal(transfers.figures.length, 1);
  transfers.end(transfer);
  assert.deepEqual(transfers.figures, []);
});

Deno.test("a transfer without a total has no time left, and one that is stuck from the start neither", () => {
  const transfers = new Transfers(new SimulatedClock(), new LogLines());
  const { leftMs, totalBytes } = transfers.begin("backup", { what: "x" }).figures;
  assert.deepEqual([leftMs, totalBytes], [undefined, undefined]);
  const stuck = transfers.begin("backup", { what: "y", totalBytes: 5 }).figures;
  assert.equal(progressText(stuck), "0 B of 5 B (0 %)");
});

Deno.test("Transfers.counted() ends with its body, also with one that fails or is given up", async () => {
  const transfers = new Transfers(new SimulatedClock(), new LogLines());
  async function* body(fails: boolean) {
    yield new Uint8Array(16);
    await Promise.resolve();
    if (fails) throw new Error("broken");
    yield new Uint8Array(4);
  }
  const seen: number[] = [];
  const counted = (fails: boolean) =>
    transfers.counted("snapshot-received", { what: "x" }, body(fails), () => 20);
  for await (const piece of counted(false)) {
    seen.push(piece.length);
    assert.equal(transfers.figures[0]?.totalBytes, 20);
  }
  assert.deepEqual(seen, [16, 4]);
  await assert.rejects(Array.fromAsync(counted(true)), /broken/);
  for await (const _ of counted(false)) break;
  assert.deepEqual(transfers.figures, []);
});

Deno.test("countedSource() counts what is read again once", async () => {
  const transfers = new Transfers(new SimulatedClock(), new LogLines());
  const source = {
    sizeBytes: 10,
    read: (_: number, length: number) => Promise.resolve(new Uint8Array(length)),
  };
  const counted = countedSource(transfers, "auto-backup", { source, what: "x", totalBytes: 10 });
  await counted.source.read(0, 5);
  await counted.source.read(0, 5);
  assert.equal(transfers.figures[0]?.bytes, 5);
  await counted.source.read(5, 5);
  assert.equal(transfers.figures[0]?.bytes, 10);
  counted.end();
  assert.deepEqual(transfers.figures, []);
});

Deno.test("a long transfer is in the log each half a minute, a short one not at all", async () => {
  const clock = new SimulatedClock();
  const log = new LogLines();
  const transfer = new Transfers(clock, log).begin("auto-restore", { what: "from x" });
  for (let at = 0; at < 65; at++) {
    transfer.add(10);
    await clock.advance(second);
  }
  assert.deepEqual(log.lines, [
    "INFO [transfer] auto-restore, from x: 310 B, 10 B/s",
    "INFO [transfer] auto-restore, from x: 610 B, 10 B/s",
  ]);
});
