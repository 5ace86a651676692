import assert from "node:assert/strict";
import { ByteReader, ByteWriter, FormatError } from "../../src/base/bytes.ts";
import { readMemberFigures, writeMemberFigures } from "../../src/cluster/member_figures.ts";
import { Cluster } from "./harness.ts";

const figures = {
  appliedIndex: 5_000_000_000,
  lastLogIndex: 7,
  databaseBytes: 4096,
  logBytes: 1,
  upMs: 12,
  freeBytes: 0,
  health: "The disk is full",
  wallTime: 1_795_901_597_008,
  faults: [
    { grade: "problem", text: "backups fail: 403", advice: "Mend what it names" },
    { grade: "warning", text: "its certificate ends", advice: "Put a new one" },
  ] as const,
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

type NodeSeen = Readonly<Record<string, unknown>>;

/** The nodes as one stream tells of them, once they are as wanted. */
async function nodesSeenBy(
  url: string,
  isWanted: (nodes: readonly NodeSeen[]) => boolean,
): Promise<readonly NodeSeen[]> {
  const response = await fetch(`${url}/debug/figures?follow`);
  assert(response.body);
  let text = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^event: nodes\ndata: (.*)$/.exec(event)?.[1];
      const nodes = data === undefined ? [] : JSON.parse(data).nodes;
      if (nodes.length > 0 && isWanted(nodes)) return nodes;
    }
  }
  throw new Error(`The stream ended without such nodes: ${text}`);
}

Deno.test("any node tells of all nodes how far they are, and of one that is gone that it is gone", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const leader = await cluster.leader();
  await leader.execute(["CREATE TABLE t (a)"]);
  const follower = await cluster.follower();
  const all = await nodesSeenBy(
    follower.url,
    (nodes) =>
      nodes.length === 3 &&
      nodes.every(({ lag_entries, health }) => lag_entries === 0 && health === "ok"),
  );
  for (const node of all) {
    assert.ok(Number(node.database_bytes) > 0 && Number(node.free_bytes) > 0, JSON.stringify(node));
  }
  await leader.kill();
  await nodesSeenBy(follower.url, (nodes) => {
    const gone = nodes.find(({ id }) => id === leader.id);
    return gone?.reachable === false && gone.applied_index === undefined &&
      nodes.some(({ leader }) => leader);
  });
});
