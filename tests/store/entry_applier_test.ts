import assert from "node:assert/strict";
import { checksum } from "../../src/base/checksum.ts";
import { Answers } from "../../src/store/apply/answers.ts";
import { toBatchEntry } from "../../src/store/apply/apply_batch.ts";
import { EntryApplier } from "../../src/store/apply/entry_applier.ts";
import { windowMax } from "../../src/store/apply/sessions.ts";
import { WriteConnection } from "../../src/store/apply/write_connection.ts";
import { headerBytes, requestIdOf } from "../../src/store/codec/command_codec.ts";
import { stampBytes } from "../../src/store/codec/stamp.ts";
import type { ApplyEntry } from "../../src/store/types.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { Entries, library, text } from "./fixture.ts";

/** What applies entries as the writer does, on a connection of its own; and the entries. */
function withApplier(
  body: (apply: (...entries: ApplyEntry[]) => string[], entries: Entries) => void,
): Promise<void> {
  return withDirectory((directory) => {
    const connection = new WriteConnection(library, `${directory}/db.sqlite`, false);
    const answers = new Answers(new SimulatedClock());
    const applier = new EntryApplier(connection, answers);
    const apply = (...entries: ApplyEntry[]) => {
      assert.equal(applier.apply(entries.map(toBatchEntry), 0), entries.length);
      return answers.take().map(text);
    };
    const entries = new Entries();
    apply(entries.execute(["CREATE TABLE t (v)"]));
    body(apply, entries);
    connection.close();
  });
}

/** The entry with other bytes from one on in its command, whose sums are right. */
function changed({ entry, answer }: ApplyEntry, at: number, bytes: readonly number[]): ApplyEntry {
  const data = entry.data.slice();
  data.set(bytes, stampBytes + at);
  const sum = checksum(data.subarray(stampBytes + 4));
  new DataView(data.buffer).setUint32(stampBytes, sum, true);
  return { entry: { ...entry, data, checksum: checksum(data) }, answer };
}

const insert = (v: number) => [`INSERT INTO t VALUES (${v})`];

Deno.test("a request whose number nobody gives is no command: it has an error, and all around it are applied", () =>
  withApplier((apply, entries) => {
    const request = { origin: 1n, sequence: 1, floor: 0 };
    const before = entries.execute(insert(1));
    // The highest bytes of its sequence.
    const outOfRange = changed(
      entries.execute(insert(2), { request }),
      headerBytes + 8 + 6,
      [0xff, 0xff],
    );
    assert.equal(requestIdOf(outOfRange.entry.data), undefined);
    assert.equal(requestIdOf(outOfRange.entry.data.subarray(0, stampBytes)), undefined);
    const answers = apply(before, outOfRange, entries.execute(insert(3)));
    assert.match(answers[0] ?? "", /"last_insert_id":1/);
    assert.match(answers[1] ?? "", /^\{"error":"The write was damaged on its way to the leader/);
    assert.match(answers[2] ?? "", /"last_insert_id":2/);
  }));

Deno.test("a request that is too far ahead of those that its node has finished is refused, and so it stays", () =>
  withApplier((apply, entries) => {
    const request = (sequence: number, floor = 0) => ({ origin: 1n, sequence, floor });
    const execute = (v: number, sequence: number, floor?: number) =>
      entries.execute(insert(v), { request: request(sequence, floor) });
    const answers = apply(
      execute(1, windowMax - 1),
      execute(2, windowMax),
      execute(3, windowMax, 1),
      execute(4, windowMax, 1),
    );
    assert.match(answers[0] ?? "", /"last_insert_id":1/);
    assert.equal(
      answers[1],
      `{"error":"Request refused: ${windowMax} others of the same node are not finished"}`,
    );
    assert.match(answers[2] ?? "", /"last_insert_id":2/);
    assert.doesNotMatch(answers[3] ?? "", /last_insert_id/);
  }));
