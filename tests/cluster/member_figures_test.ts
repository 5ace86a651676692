import assert from "node:assert/strict";
import { ByteReader, ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { readMemberFigures, writeMemberFigures } from "../../src/cluster/member_figures.ts";
import { Cluster, eventually } from "./harness.ts";

const figures = {
  appliedIndex: 5_000_000_000,
  lastLogIndex: 7,
  databaseBytes: 4096,
  logBytes: 1,
  upMs: 12,
  freeBytes: 0,
  health: "The disk is full",
};

function encoded(value: typeof figures | { freeBytes: undefined }): ByteWriter {
  const writer = new ByteWriter();
  writeMemberFigures(writer, { ...figures, ...value });
  return writer;
}

Deno.test("a member's figures come back as they were, and a full disk is not an unknown one", () => {
  assert.deepEqual(readMemberFigures(new ByteReader(encoded(figures).copy())), figures);
  const unknown = readMemberFigures(new ByteReader(encoded({ freeBytes: undefined }).copy()));
  assert.equal(unknown.freeBytes, undefined);
});

Deno.test("a member's figures may be followed by what a later release adds, but not be cut short", () => {
  const longer = encoded(figures);
  longer.text("more");
  assert.deepEqual(readMemberFigures(new ByteReader(longer.copy())), figures);
  const shorter = encoded(figures).copy().subarray(0, -1);
  assert.throws(() => readMemberFigures(new ByteReader(shorter)), FormatError);
});

/** The last event of a name in a stream that is followed until it has come. */
async function nodesSeenBy(url: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url}/debug/figures?follow`);
  assert(response.body);
  let text = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const data = /event: nodes\ndata: (.*)\n\n/.exec(text)?.[1];
    if (data !== undefined) return JSON.parse(data).nodes;
  }
  throw new Error(`The stream ended without nodes: ${text}`);
}

Deno.test("any node tells of all nodes how far they are, and of one that is gone that it is gone", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const leader = await cluster.leader();
  await leader.execute(["CREATE TABLE t (a)"]);
  const follower = await cluster.follower();
  await eventually("no lag", async () => {
    const nodes = await nodesSeenBy(follower.url);
    return nodes.length === 3 && nodes.every(({ lag_entries }) => lag_entries === 0);
  });
  for (const node of await nodesSeenBy(follower.url)) {
    assert.equal(node.health, "ok");
    assert.ok(Number(node.database_bytes) > 0 && Number(node.free_bytes) > 0, JSON.stringify(node));
  }
  await leader.kill();
  await eventually("the leader to be gone", async () => {
    const nodes = await nodesSeenBy(follower.url);
    const gone = nodes.find(({ id }) => id === leader.id);
    return gone?.reachable === false && gone.applied_index === undefined &&
      nodes.some(({ leader }) => leader);
  });
});
