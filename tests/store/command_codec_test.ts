import assert from "node:assert/strict";
import { plainStatements } from "../../src/store/codec/statement_codec.ts";
import fc from "fast-check";
import { rightsOf } from "../../src/access/table_rights.ts";
import { FormatError } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import {
  CommandType,
  decodeCommand,
  encodeCommand,
  isScrub,
  isUnseen,
  requestIdOf,
  unknownCommand,
  versionNeeded,
} from "../../src/store/codec/command_codec.ts";
import { enforcesForeignKeys, stampCommand, stampOf } from "../../src/store/codec/stamp.ts";
import { commandFault } from "../../src/store/codec/command_fault.ts";
import { firstVersion } from "../../src/raft/cluster_version.ts";
import { keyOf } from "./random_entries.ts";
import { encodeStep, scriptOf, stepsIn } from "../../src/store/codec/script_codec.ts";
import {
  type AnswerFormat,
  type Command,
  plainFormat,
  SqlReal,
  type SqlValue,
  type Statement,
} from "../../src/store/types.ts";

const value: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
  fc.integer().map((n) => new SqlReal(n)),
  fc.string({ unit: "grapheme" }),
  fc.uint8Array(),
);

const statement: fc.Arbitrary<Statement> = fc.record({
  sql: fc.string({ unit: "grapheme" }),
  positional: fc.array(value, { minLength: 1 }),
  named: fc.array(fc.tuple(fc.string(), value), { minLength: 1 }).map((pairs) => new Map(pairs)),
}, { requiredKeys: ["sql"], noNullPrototype: true });

const request = fc.option(
  fc.record({
    origin: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    sequence: fc.maxSafeNat(),
    floor: fc.maxSafeNat(),
  }, { noNullPrototype: true }),
  { nil: undefined },
);

const names = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 9 }), {
  maxLength: 3,
});

/** Never of all tables, which are none. */
const rights = fc.tuple(fc.string(), names, names).map(([username, read, write]) =>
  rightsOf({ username, tables: { read: read.filter((name) => name !== "*"), write } }) ?? ""
);

const key = fc.option(
  fc.record({
    user: fc.string({ unit: "grapheme" }),
    name: fc.string(),
    keptSeconds: fc.nat(),
    format: fc.record({
      associative: fc.boolean(),
      timings: fc.constant(false),
      blobArray: fc.boolean(),
      exact: fc.boolean(),
      qualifyColumns: fc.boolean(),
      unified: fc.boolean(),
    }, { noNullPrototype: true }),
    asks: fc.boolean(),
  }, { noNullPrototype: true }),
  { nil: undefined },
);

const step = fc.record({
  statements: fc.array(statement, { maxLength: 3 }),
  clock: fc.maxSafeNat(),
  seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  atomic: fc.boolean(),
  unified: fc.boolean(),
  readOnly: fc.boolean(),
  timeoutMs: fc.nat(),
  format: fc.constant({ ...plainFormat, associative: true }),
}, { noNullPrototype: true }).map(encodeStep);

const loadId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant("script" as const),
    steps: fc.array(step, { maxLength: 3 }),
    request,
    rights,
    key: key.filter((key) => key !== undefined),
  }, { requiredKeys: ["type", "steps", "request"], noNullPrototype: true }),
  fc.record({
    type: fc.constant("execute" as const),
    statements: fc.array(statement, { maxLength: 5 }),
    transaction: fc.boolean(),
    unified: fc.boolean(),
    timeoutMs: fc.nat(),
    request,
    rights,
    key: key.filter((key) => key !== undefined),
  }, {
    requiredKeys: ["type", "statements", "transaction", "unified", "timeoutMs", "request"],
    noNullPrototype: true,
  }),
  fc.record({ type: fc.constant("load_sql" as const), sql: fc.uint8Array(), request }, {
    noNullPrototype: true,
  }),
  fc.record({
    type: fc.constant("load_chunk" as const),
    loadId,
    offset: fc.maxSafeNat(),
    bytes: fc.uint8Array(),
    request,
  }, { noNullPrototype: true }),
  fc.record({
    type: fc.constant("load_commit" as const),
    loadId,
    size: fc.maxSafeNat(),
    checksum: fc.nat(),
    request,
  }, { noNullPrototype: true }),
  fc.record({ type: fc.constant("load_abort" as const), loadId, request }, {
    noNullPrototype: true,
  }),
  fc.record({
    type: fc.constant("upkeep" as const),
    task: fc.constantFrom("vacuum", "optimize", "scrub"),
    step: fc.constantFrom("begin", "vacuum", "vacuum_to_incremental", "incremental_vacuum"),
    last: fc.boolean(),
    pages: fc.nat(),
    after: fc.maxSafeNat(),
    request,
  }, { noNullPrototype: true }),
  fc.record({
    type: fc.constant("changes_cursor" as const),
    delivered: fc.maxSafeNat(),
    request,
  }, { noNullPrototype: true }),
);

/** With the checksum of what it has become. */
function summed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, checksum(bytes.subarray(4)), true);
  return bytes;
}

Deno.test("decodeCommand gives back what encodeCommand was given", () => {
  fc.assert(fc.property(command, (given) => {
    assert.deepEqual(decodeCommand(encodeCommand(given)), given);
  }));
});

Deno.test("encodeCommand keeps a whole real apart from an integer, and numbers beyond 64 bits", () => {
  const decoded = decodeCommand(encodeCommand({
    type: "execute",
    statements: [{ sql: "", positional: [new SqlReal(1), 1, 1e300, 2n ** 70n, -0.5] }],
    transaction: false,
    unified: false,
    timeoutMs: 0,
    request: undefined,
  }));
  assert.ok(decoded.type === "execute");
  assert.deepEqual(plainStatements(decoded.statements)[0]?.positional, [
    new SqlReal(1),
    1,
    new SqlReal(1e300),
    new SqlReal(2 ** 70),
    -0.5,
  ]);
});

Deno.test("decodeCommand refuses a command with any one bit changed, or cut short", () => {
  const bytes = encodeCommand({
    type: "execute",
    statements: [{ sql: "INSERT INTO t VALUES (?)", positional: [1, "two"] }],
    transaction: true,
    unified: false,
    timeoutMs: 5,
    request: { origin: 1n, sequence: 2, floor: 1 },
  });
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => decodeCommand(damaged), { name: "FormatError" }, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeCommand(bytes.subarray(0, length)), { name: "FormatError" });
  }
});

Deno.test("stampCommand puts clock, foreign keys and seed in front, and leaves the rest alone", () => {
  fc.assert(fc.property(
    command,
    fc.maxSafeNat().map((clock) => clock % 2 ** 48),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.boolean(),
    (given, clock, seed, foreignKeys) => {
      const data = stampCommand(encodeCommand(given), { clock, seed }, foreignKeys);
      const view = new DataView(data.buffer, data.byteOffset);
      assert.deepEqual(stampOf(view), { clock, seed });
      assert.equal(enforcesForeignKeys(view), foreignKeys);
      assert.deepEqual(decodeCommand(data.subarray(16)), given);
      assert.deepEqual(requestIdOf(data), given.request);
    },
  ));
});

Deno.test("requestIdOf gives undefined for an entry without data", () => {
  assert.equal(requestIdOf(new Uint8Array(0)), undefined);
});

Deno.test("a command with rights by table, or a key, has a version that older programs refuse by name", () => {
  const plain: Command = {
    type: "execute",
    statements: [{ sql: "SELECT 1" }],
    transaction: false,
    unified: false,
    timeoutMs: 0,
    request: { origin: 1n, sequence: 2, floor: 1 },
  };
  assert.equal(encodeCommand(plain)[4], 1);
  assert.equal(versionNeeded(encodeCommand(plain)), firstVersion);
  const rights = rightsOf({ username: "bob", tables: { read: ["a"], write: [] } });
  const bytes = encodeCommand({ ...plain, rights });
  assert.equal(bytes[4], 2);
  assert.equal(versionNeeded(bytes), firstVersion);
  assert.equal(commandFault(bytes), undefined);
  const data = stampCommand(bytes, { clock: 0, seed: 0n }, false);
  assert.equal(unknownCommand(data), undefined);
  assert.deepEqual(requestIdOf(data), plain.request);
  const keyed = { ...plain, key: keyOf("k") };
  for (const command of [keyed, { ...keyed, rights }]) {
    const withKey = encodeCommand(command);
    assert.equal(withKey[4], 3);
    assert.equal(versionNeeded(withKey), 2);
    assert.deepEqual(decodeCommand(withKey), command);
    assert.deepEqual(
      requestIdOf(stampCommand(withKey, { clock: 0, seed: 0n }, false)),
      plain.request,
    );
  }
  data[16 + 4] = 4;
  assert.match(
    unknownCommand(data) ?? "",
    /version 4 and type 1, which this raftlite does not know/,
  );
});

Deno.test("rights that are none, or of a command that has none, are a fault of the command", () => {
  const command = { transaction: false, unified: false, timeoutMs: 0, request: undefined } as const;
  for (const rights of ["", "{}", '{"username":"bob","read":[],"write":[""]}']) {
    const bytes = encodeCommand({ type: "execute", statements: [], ...command, rights });
    assert.match(commandFault(bytes) ?? "", /Rights by table/);
    assert.throws(() => decodeCommand(bytes), { name: "FormatError" });
  }
  const abort = encodeCommand({ type: "load_abort", loadId: 1n, request: undefined });
  abort[4] = 2;
  assert.match(commandFault(summed(abort)) ?? "", /Rights in a command of type 4/);
});

Deno.test("a key of a command that has none, or without an answer's format, is a fault of the command", () => {
  const command = { transaction: false, unified: false, timeoutMs: 0, request: undefined } as const;
  const keyed = encodeCommand({ type: "execute", statements: [], ...command, key: keyOf("k") });
  assert.equal(commandFault(keyed), undefined);
  const { user, name } = keyOf("k");
  const formatAt = 8 + 4 + user.length + 4 + name.length + 4;
  const formatless = keyed.slice();
  formatless[formatAt] = 0;
  assert.match(commandFault(summed(formatless)) ?? "", /A key without an answer's format/);
  keyed[5] = CommandType.load_abort;
  assert.match(commandFault(summed(keyed)) ?? "", /A key in a command of type 4/);
});

Deno.test("a step whose results nobody can repeat, or without a form for them, is a fault of its command", () => {
  const step = { clock: 1, seed: 2n, atomic: false, unified: true, readOnly: false, timeoutMs: 0 };
  const faultOf = (format: AnswerFormat, change: (step: Uint8Array) => void = () => {}) => {
    const encoded = encodeStep({ ...step, statements: [{ sql: "SELECT 1" }], format });
    change(encoded);
    return commandFault(encodeCommand({ type: "script", steps: [encoded], request: undefined }));
  };
  assert.equal(faultOf(plainFormat), undefined);
  assert.match(faultOf({ ...plainFormat, timings: true }) ?? "", /differ by how long it took/);
  const formless = faultOf(plainFormat, (step) => step[21] = 0);
  assert.match(formless ?? "", /A step without a form for its results/);
});

Deno.test("stepsIn gives back what encodeStep was given, but for the statements", () => {
  for (const foreignKeys of [undefined, true, false]) {
    for (const flag of [true, false]) {
      const given = {
        ...{ clock: 1_700_000_000_000, seed: 2n ** 64n - 1n, timeoutMs: 77, foreignKeys },
        ...{ atomic: flag, unified: !flag, readOnly: flag, format: plainFormat },
      };
      const script = scriptOf([encodeStep({ ...given, statements: [{ sql: "SELECT 1" }] })]);
      const [step] = [...stepsIn(script, 0)];
      assert.deepEqual(step, {
        ...{ ...given, digest: undefined },
        ...{ offset: step?.offset, end: script.length },
      });
    }
  }
});

Deno.test("commandFault() refuses what decodeCommand() does, whichever byte of a command is changed", () => {
  const places = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(command, places, (given, [place, change]) => {
      const bytes = encodeCommand(given);
      assert.equal(commandFault(bytes), undefined);
      const at = 4 + place % (bytes.length - 4);
      bytes[at] = (bytes[at] ?? 0) ^ change;
      const fault = commandFault(summed(bytes));
      const refusal = refusalOf(bytes);
      // Of a load one looks at what the other passes over; texts are read where they are bound.
      if (bytes[5] === CommandType.load_sql || refusal?.endsWith("is not UTF-8")) return;
      assert.equal(fault === undefined, refusal === undefined, `${fault}; ${refusal}`);
    }),
    { numRuns: 2000 },
  );
});

function refusalOf(bytes: Uint8Array): string | undefined {
  try {
    decodeCommand(bytes);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof FormatError);
    return error.message;
  }
}

Deno.test("a command of a newer raftlite, or of no kind that there is, is a fault by its name", () => {
  const bytes = encodeCommand({
    type: "execute",
    statements: [{ sql: "", positional: [null] }],
    transaction: false,
    unified: false,
    timeoutMs: 0,
    request: undefined,
  });
  const changes: [at: number, value: number, fault: RegExp][] = [
    [4, 4, /Unknown command version 4/],
    [5, 99, /Unknown command type 99/],
    [bytes.length - 5, 9, /Unknown value type 9/],
  ];
  for (const [at, value, fault] of changes) {
    const changed = bytes.slice();
    changed[at] = value;
    assert.match(commandFault(summed(changed)) ?? "", fault);
    assert.throws(() => decodeCommand(changed), { name: "FormatError", message: fault });
  }
});

Deno.test("requestIdOf gives undefined for numbers that no request has, and for a command cut short", () => {
  const bytes = encodeCommand({
    type: "load_abort",
    loadId: 1n,
    request: { origin: 1n, sequence: 2, floor: 1 },
  });
  const data = stampCommand(bytes, { clock: 0, seed: 0n }, false);
  assert.equal(requestIdOf(data.subarray(0, 16 + 8 + 23)), undefined);
  data[16 + 8 + 8 + 7] = 0xff;
  assert.equal(requestIdOf(data), undefined);
});

Deno.test("isScrub() and isUnseen() look at a command's type and task, with a request id or without", () => {
  const upkeep = { type: "upkeep", step: "begin", last: false, pages: 0, after: 0 } as const;
  const id = { origin: 1n, sequence: 2, floor: 1 };
  const seenOf = (command: Command) => {
    const data = stampCommand(encodeCommand(command), { clock: 0, seed: 0n }, false);
    return [isScrub(data), isUnseen(data)];
  };
  for (const request of [undefined, id]) {
    assert.deepEqual(seenOf({ ...upkeep, task: "scrub", request }), [true, true]);
    assert.deepEqual(seenOf({ ...upkeep, task: "vacuum", request }), [false, true]);
    assert.deepEqual(seenOf({ type: "load_abort", loadId: 3n, request }), [false, true]);
    const load = { type: "load_commit", loadId: 3n, size: 0, checksum: 0, request } as const;
    assert.deepEqual(seenOf(load), [false, false]);
  }
});
