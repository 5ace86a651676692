import { strict as assert } from "node:assert";
import { FormatError } from "../../src/base/bytes.ts";
import { decodeSnapshotHeader, encodeSnapshotHeader } from "../../src/node/snapshot_header.ts";
import { makePoint } from "../raft_log/fixtures.ts";

Deno.test("decodeSnapshotHeader() reads what a leader announces, and refuses what none can", () => {
  const point = makePoint(12, 3);
  assert.deepEqual(decodeSnapshotHeader(encodeSnapshotHeader(4, point)), { term: 4, point });
  const wrong = [
    encodeSnapshotHeader(4, makePoint(0, 3)),
    encodeSnapshotHeader(4, makePoint(12, 0)),
    // A state of a term that its leader does not know of.
    encodeSnapshotHeader(4, makePoint(12, 5)),
    Uint8Array.of(2, ...encodeSnapshotHeader(4, point).subarray(1)),
    encodeSnapshotHeader(4, point).subarray(0, 20),
    Uint8Array.of(...encodeSnapshotHeader(4, point), 0),
  ];
  for (const header of wrong) assert.throws(() => decodeSnapshotHeader(header), FormatError);
});
