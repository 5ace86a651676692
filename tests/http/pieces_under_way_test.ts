import assert from "node:assert/strict";
import { pieceStream } from "../../src/http/streams/piece_stream.ts";
import { PiecesUnderWay, SlowReaderError } from "../../src/http/streams/pieces_under_way.ts";

/** A reader, who is told `text` again and again. */
function reader(underWay: PiecesUnderWay, text: string) {
  const gone = new AbortController();
  let left = false;
  async function* pieces(): AsyncGenerator<string> {
    while (!gone.signal.aborted) yield* underWay.carry(gone, 2 * text.length, () => text);
  }
  const body = pieceStream(pieces(), gone, () => left = true);
  return {
    gone,
    taking: body.getReader(),
    get left() {
      return left;
    },
  };
}

Deno.test("pieces under way are bounded over all readers: who takes nothing makes room", async () => {
  const underWay = new PiecesUnderWay({ bytesMax: 1_000, patienceMs: 0 });
  const text = "x".repeat(200);
  const all = Array.from({ length: 50 }, () => reader(underWay, text));
  for (const { taking } of all) {
    assert.equal((await taking.read()).value?.length, 200);
    assert.ok(underWay.bytes <= 1_000, `${underWay.bytes} bytes`);
  }
  const [first, last] = [all[0], all.at(-1)];
  assert(first && last);
  await assert.rejects(first.taking.read(), SlowReaderError);
  assert.ok(first.left && first.gone.signal.aborted);
  assert.equal((await last.taking.read()).value?.length, 200);
  assert.equal(all.filter(({ left }) => left).length, 48);
  for (const { taking } of all) await taking.cancel().catch(() => {});
  assert.equal(underWay.bytes, 0);
});

Deno.test("a piece that there is no room for waits while those before are young, and comes when one is taken", async () => {
  const underWay = new PiecesUnderWay({ bytesMax: 400, patienceMs: 1e9 });
  const text = "x".repeat(200);
  const [one, other] = [reader(underWay, text), reader(underWay, text)];
  await one.taking.read();
  const waiting = other.taking.read();
  assert.equal(underWay.bytes, 400);
  await one.taking.cancel();
  assert.equal((await waiting).value?.length, 200);
  assert.equal(one.gone.signal.reason instanceof SlowReaderError, false);
  const third = reader(underWay, text);
  const never = third.taking.read();
  third.gone.abort();
  await never;
  await other.taking.cancel();
  await third.taking.cancel();
  assert.equal(underWay.bytes, 0);
});

Deno.test("one piece is carried however large it is, and what is not told takes no room", async () => {
  const underWay = new PiecesUnderWay({ bytesMax: 10 });
  const large = reader(underWay, "x".repeat(200));
  assert.equal((await large.taking.read()).value?.length, 200);
  await large.taking.cancel();
  for await (const piece of underWay.carry(new AbortController(), 5, () => "")) assert.fail(piece);
  const failing = underWay.carry(new AbortController(), 5, () => {
    throw new Error("It cannot be made");
  });
  await assert.rejects(failing.next(), /It cannot be made/);
  assert.equal(underWay.bytes, 0);
});
