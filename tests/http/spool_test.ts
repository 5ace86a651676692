import assert from "node:assert/strict";
import { spool } from "../../src/http/spool.ts";

const encoder = new TextEncoder();

function body(...pieces: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces.map((piece) => encoder.encode(piece)));
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-test-" });
  try {
    await test(directory);
    assert.deepEqual([...Deno.readDirSync(directory)], [], "nothing is left");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("spool() hands over what it took", async () => {
  await inDirectory(async (directory) => {
    const text = await spool(body("one, ", "", "two"), directory, (kept) => {
      assert.equal([...Deno.readDirSync(directory)].length, 1);
      return new Response(kept).text();
    });
    assert.equal(text, "one, two");
  });
});

Deno.test("spool() leaves nothing behind when the client or the work fails", async () => {
  await inDirectory(async (directory) => {
    const broken = new ReadableStream({
      pull: () => Promise.reject(new Error("the client went away")),
    });
    const work = () => Promise.reject(new Error("the work failed"));
    await assert.rejects(spool(broken, directory, work), /the client went away/);
    await assert.rejects(spool(body("one"), directory, work), /the work failed/);
  });
});

Deno.test("spool() says which file could not be written", async () => {
  await assert.rejects(spool(body("one"), "/nowhere", () => Promise.resolve()), {
    name: "ServiceError",
    kind: "unavailable",
    message: /^Upload could not be kept in \/nowhere\/db.sqlite.tmp-upload-[^:]*: No such file/,
  });
});

Deno.test("spool() keeps a bounded number of bodies, and takes the next when one is done", async () => {
  await inDirectory(async (directory) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const kept = Array.from({ length: 8 }, () => spool(body("one"), directory, () => released));
    let cancelled = false;
    const tooMany = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
    await assert.rejects(spool(tooMany, directory, () => released), {
      kind: "overloaded",
      message: "Too many uploads: 8 are under way, try again when one is done",
    });
    assert(cancelled);
    release();
    await Promise.all(kept);
    await spool(body("one"), directory, () => Promise.resolve());
  });
});
