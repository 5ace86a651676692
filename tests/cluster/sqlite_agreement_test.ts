import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader, FormatError } from "../../src/base/bytes.ts";
import {
  encodeProfile,
  readProfile,
  SqliteAgreement,
  sqliteDifferences,
} from "../../src/cluster/sqlite_agreement.ts";
import type { SqliteProfile } from "../../src/store/types.ts";
import { LogLines } from "../transport/fixture.ts";

const pinned: SqliteProfile = {
  extensions: [],
  safeFunctions: [],
  version: "3.53.2",
  sourceId: "2026 aa",
  compileOptions: ["ENABLE_FTS5", "MAX_COLUMN=2000"],
  probes: [
    { group: "text to number", questions: "q1", answers: "a1" },
    { group: "JSON", questions: "q2", answers: "a2" },
  ],
};

const other: SqliteProfile = { ...pinned, version: "3.40.1" };

function agreement(name: string, profile: SqliteProfile, permits = false) {
  const log = new LogLines();
  const made = new SqliteAgreement({ id: `${name}/aaaaaaaa`, profile, permits, logger: log });
  const peer = { id: `${name}/aaaaaaaa`, address: `${name}:4002` };
  return { made, log, peer };
}

Deno.test("sqliteDifferences names version, source, options and the groups of probes", () => {
  assert.deepEqual(sqliteDifferences(pinned, structuredClone(pinned)), []);
  assert.deepEqual(sqliteDifferences(pinned, other), ["version 3.53.2 here, 3.40.1 there"]);
  assert.deepEqual(sqliteDifferences(pinned, { ...pinned, sourceId: "b" }), [
    "source 2026 aa here, b there",
  ]);
  assert.deepEqual(
    sqliteDifferences(pinned, { ...pinned, compileOptions: ["ENABLE_FTS5", "A", "B"] }),
    ["compile options only here: MAX_COLUMN=2000", "compile options only there: A, B"],
  );
  const probes = pinned.probes.map((probe) => ({ ...probe, answers: "other" }));
  assert.deepEqual(sqliteDifferences(pinned, { ...pinned, probes }), [
    "other results in text to number, JSON",
  ]);
});

Deno.test("sqliteDifferences compares answers to the same questions alone: another raftlite asks others", () => {
  const [first, second] = pinned.probes;
  assert(first && second);
  const probes = [{ ...first, questions: "new", answers: "new" }, { ...second, group: "XML" }];
  assert.deepEqual(sqliteDifferences(pinned, { ...pinned, probes }), []);
});

Deno.test("sqliteDifferences tells what another node says in one line, and not at length", () => {
  const hostile = {
    ...pinned,
    version: "3\n2026 ERROR forged",
    compileOptions: ["X".repeat(5000)],
  };
  const text = sqliteDifferences(pinned, hostile).join("; ");
  assert.match(text, /3\?2026 ERROR forged/);
  assert(!/\n/.test(text) && text.length < 500, text);
});

Deno.test("a profile comes through the codec as it is; bytes that are none are a FormatError", () => {
  for (const permits of [true, false]) {
    const told = readProfile(new ByteReader(encodeProfile({ profile: pinned, permits })));
    assert.deepEqual(told, { profile: pinned, permits });
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    try {
      agreement("1", pinned).made.refusal({ id: "2", address: "h:1" }, bytes);
    } catch (error) {
      assert(error instanceof FormatError, String(error));
    }
  }));
});

Deno.test("SqliteAgreement refuses on both sides, with both names, what differs and the way out, once", () => {
  const one = agreement("1", pinned);
  const two = agreement("2", other);
  for (let i = 0; i < 3; i++) {
    assert.match(
      one.made.refusal(two.peer, two.made.own) ?? "",
      /node 1 \(here\) and of node 2 at 2:4002 differ.*version 3.53.2 here, 3.40.1 there.*-allow-sqlite-mismatch/,
    );
    assert.match(two.made.refusal(one.peer, one.made.own) ?? "", /3.40.1 here, 3.53.2 there/);
  }
  assert.equal(one.log.matching(/^ERROR .*exchange nothing/).length, 1);
  const [mismatch, ...more] = one.made.mismatches([two.peer.id]);
  assert.deepEqual([mismatch?.refused, mismatch?.id, more], [true, two.peer.id, []]);
  assert.deepEqual(one.made.mismatches(["3/aaaaaaaa"]), []);
});

Deno.test("SqliteAgreement: the flag of either end permits it for both, and says so", () => {
  for (const [first, second] of [[true, false], [false, true], [true, true]]) {
    const one = agreement("1", pinned, first);
    const two = agreement("2", other, second);
    assert.equal(one.made.refusal(two.peer, two.made.own), undefined);
    assert.equal(two.made.refusal(one.peer, one.made.own), undefined);
    assert.equal(one.log.matching(/^WARN .*permits/).length, 1);
    assert.equal(one.log.matching(/^WARN -allow-sqlite-mismatch is set/).length, first ? 1 : 0);
    assert.equal(one.made.mismatches([two.peer.id])[0]?.refused, false);
  }
});

Deno.test("SqliteAgreement forgets a mismatch when the node comes back with the same SQLite", () => {
  const one = agreement("1", pinned);
  const two = agreement("2", other);
  one.made.refusal(two.peer, two.made.own);
  const upgraded = agreement("2", pinned);
  assert.equal(one.made.refusal(upgraded.peer, upgraded.made.own), undefined);
  assert.deepEqual(one.made.mismatches([two.peer.id]), []);
  assert.equal(one.log.matching(/^INFO .*same SQLite as this one again/).length, 1);
});

Deno.test("SqliteAgreement remembers only so many strangers", () => {
  const one = agreement("1", pinned);
  const ids = Array.from({ length: 1000 }, (_, i) => `s${i}/aaaaaaaa`);
  for (const id of ids) one.made.refusal({ id, address: "h:1" }, agreement("2", other).made.own);
  const kept = one.made.mismatches(ids);
  assert.equal(kept.length, 256);
  assert.equal(kept.at(-1)?.id, "s999/aaaaaaaa");
});

Deno.test("a profile's extensions and safe functions go to the others, and are told apart by name and content", () => {
  const one: SqliteProfile = {
    ...pinned,
    extensions: [{ name: "a.so", digest: "11".repeat(16) }, {
      name: "b.so",
      digest: "22".repeat(16),
    }],
    safeFunctions: ["median"],
  };
  assert.deepEqual(
    readProfile(new ByteReader(encodeProfile({ profile: one, permits: true }))),
    { profile: one, permits: true },
  );
  assert.deepEqual(sqliteDifferences(one, one), []);
  const other: SqliteProfile = {
    ...pinned,
    extensions: [{ name: "a.so", digest: "33".repeat(16) }],
    safeFunctions: [],
  };
  assert.deepEqual(sqliteDifferences(one, other), [
    "extensions only here: b.so",
    "extension a.so is SHA-256 111111111111… here, 333333333333… there",
    "safe functions only here: median",
  ]);
});
