import assert from "node:assert/strict";
import fc from "fast-check";
import { rightsOf } from "../../src/access/table_rights.ts";
import { FormatError } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import { EntryType } from "../../src/raft/types.ts";
import {
  decodeCommand,
  encodeCommand,
  requestIdOf,
  unknownCommand,
} from "../../src/store/codec/command_codec.ts";
import { stampCommand } from "../../src/store/codec/stamp.ts";
import { commandFault } from "../../src/store/codec/command_fault.ts";
import type { ApplyEntry, Command } from "../../src/store/types.ts";
import { plain, TestStore } from "../store/fixture.ts";
import { damage, damaged, seed, test } from "./damage.ts";

const request = fc.option(
  fc.record({
    origin: fc.bigInt({ min: 1n, max: 3n }),
    sequence: fc.nat({ max: 20 }),
    floor: fc.nat({ max: 10 }),
  }),
  { nil: undefined },
);
const loadId = fc.bigInt({ min: 1n, max: 2n });
const value = fc.oneof(fc.constant(null), fc.integer(), fc.double(), fc.string(), fc.uint8Array());
const statement = fc.record({
  sql: fc.constantFrom(
    "INSERT INTO t VALUES (?, ?)",
    "INSERT INTO t VALUES (:a, :b) RETURNING a",
    "DELETE FROM t WHERE a = ?",
    "VACUUM",
    "BEGIN; INSERT INTO t VALUES (1, 2); COMMIT",
    "",
  ),
  positional: fc.array(value, { maxLength: 3 }),
  named: fc.dictionary(fc.constantFrom("a", "b"), value).map((all) => new Map(Object.entries(all))),
});
const flag = fc.boolean();

const fuzzedRights = rightsOf({ username: "bob", tables: { read: ["t"], write: ["*"] } });

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant("execute" as const),
    statements: fc.array(statement, { maxLength: 3 }),
    transaction: flag,
    unified: flag,
    timeoutMs: fc.constant(0),
    request,
    rights: fc.constantFrom(undefined, fuzzedRights),
  }),
  fc.record({
    type: fc.constant("load_sql" as const),
    sql: fc.constantFrom("INSERT INTO t VALUES (3, 4)", "").map((sql) =>
      new TextEncoder().encode(sql)
    ),
    request,
  }),
  fc.record({
    type: fc.constant("load_chunk" as const),
    loadId,
    offset: fc.nat({ max: 3 }),
    bytes: fc.uint8Array({ maxLength: 20 }),
    request,
  }),
  fc.record({
    type: fc.constant("load_commit" as const),
    loadId,
    size: fc.nat(),
    checksum: fc.nat(),
    request,
  }),
  fc.record({ type: fc.constant("load_abort" as const), loadId, request }),
);

/** A command with damage, that its own checksum shows or not. */
const bytes = fc.tuple(command, damage, fc.boolean()).map(([whole, changes, summed]) => {
  const result = damaged(encodeCommand(whole), changes);
  if (summed && result.length >= 4) {
    new DataView(result.buffer).setUint32(0, checksum(result.subarray(4)), true);
  }
  return result;
});

function entryOf(index: number, data: Uint8Array): ApplyEntry {
  const entry = { index, term: 1, type: EntryType.command, data, checksum: checksum(data) };
  return { entry, answer: plain };
}

function stamped(index: number, written: Uint8Array): Uint8Array {
  return stampCommand(written, { clock: index * 1000, seed: BigInt(index) }, false);
}

test("commandFault() and the decoders of a command throw nothing but a FormatError", () => {
  fc.assert(
    fc.property(bytes, command, (broken, whole) => {
      assert.equal(typeof (commandFault(broken) ?? ""), "string");
      assert.equal(commandFault(encodeCommand(whole)), undefined);
      unknownCommand(stamped(1, broken));
      requestIdOf(stamped(1, broken));
      try {
        decodeCommand(broken);
      } catch (error) {
        assert(error instanceof FormatError, String(error));
      }
    }),
    { seed, numRuns: 2000 },
  );
});

test("Store.apply has one result for a damaged command, in any batching, and goes on", async () => {
  await using together = await TestStore.open();
  await using apart = await TestStore.open();
  for (const store of [together, apart]) await store.execute(["CREATE TABLE t (a, b)"]);
  let index = 1;
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 6 }), async (commands) => {
      // Of an unknown version or type: refused before it is in any log.
      const known = commands.map((written) => stamped(index, written))
        .filter((data) => unknownCommand(data) === undefined);
      const entries = known.map((data, i) => entryOf(index + 1 + i, data));
      index += entries.length;
      if (entries.length === 0) return;
      const answers = await together.apply(...entries);
      const others: string[] = [];
      for (const entry of entries) others.push(...await apart.apply(entry));
      assert.deepEqual(answers, others);
    }),
    { seed, numRuns: 150 },
  );
  const [rows, others] = [
    await together.query("SELECT * FROM t"),
    await apart.query("SELECT * FROM t"),
  ];
  assert.equal(rows, others);
  const next = encodeCommand({
    type: "execute",
    statements: [{ sql: "INSERT INTO t VALUES (5, 6)" }],
    transaction: false,
    unified: false,
    timeoutMs: 0,
    request: undefined,
  });
  const [answer] = await together.apply(entryOf(index + 1, stamped(1, next)));
  assert.match(answer ?? "", /"rows_affected":1/);
});
