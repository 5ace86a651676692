import assert from "node:assert/strict";
import { type BindValue, type ColumnValue, Database, Determinism } from "../../src/sqlite/mod.ts";
import * as exponentials from "../../src/base/exponentials.ts";
import { Prng } from "../../src/base/prng.ts";
import * as trigonometry from "../../src/base/trigonometry.ts";
import { library, openMemory, withDirectory } from "./fixture.ts";
import { anySeed } from "../store/seeds.ts";

const ofOne = [
  ...[
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "exp",
    "ln",
    "log",
    "log10",
  ],
  ...["log2", "sin", "sinh", "tan", "tanh"],
];
const ofTwo = ["atan2", "log", "pow", "power"];

/** False for a library built without SQLITE_ENABLE_MATH_FUNCTIONS: there is nothing to compare with. */
const hasOwn = (() => {
  using own = new Database(":memory:", { library, libraryMathematics: true });
  return own.scalar("SELECT count(*) FROM pragma_function_list WHERE name = 'acosh'") === 1;
})();

const odd: readonly BindValue[] = [
  ...[
    null,
    0,
    1,
    -1,
    2,
    8,
    10,
    0.5,
    Infinity,
    -Infinity,
    5e-324,
    1e308,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ],
  ...["", "abc", "8 bits", "1.5", " 2 ", "0x10", "1e3", "-0.5", "1e999", new Uint8Array(0)],
  ...[new TextEncoder().encode("2"), true],
];

function argument(prng: Prng): BindValue {
  const unit = prng.uint32() / 2 ** 32;
  switch (prng.below(6)) {
    case 0:
      return odd[prng.below(odd.length)];
    case 1:
      return unit * 2 - 1;
    case 2:
      return prng.below(2001) - 1000;
    case 3:
      return String(unit * 100 - 20);
    case 4:
      return Number(`${unit - 0.5}e${prng.below(40) - 20}`);
    default:
      return unit * 1500 - 750;
  }
}

const view = new DataView(new ArrayBuffer(8));

function place(x: number): bigint {
  view.setFloat64(0, x);
  const bits = view.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits;
}

/** How far SQLite's own doubles, by the C library, may be from ours: mingw's pow() errs in the 13th digit. */
const placesMax = Deno.build.os === "windows" ? 1_000_000n : 4n;

/** The quotient of two rounded logarithms may be off by more than its parts. */
function isClose(a: ColumnValue, b: ColumnValue): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  const difference = place(a) - place(b);
  return difference >= -placesMax && difference <= placesMax;
}

/** mingw has the processor reduce angles, whose pi has 66 bits: cos(2^63) is 0.0118, and there -0.98. */
function isWrongThere(name: string, angle: BindValue | undefined): boolean {
  return Deno.build.os === "windows" && ["sin", "cos", "tan"].includes(name) &&
    Math.abs(Number(angle)) > 1e6;
}

Deno.test("mathematical functions: SQLite's values, types and NULLs for whatever they are given", () => {
  if (!hasOwn) return console.log("This SQLite has none of its own to compare with");
  using own = new Database(":memory:", { library, libraryMathematics: true });
  using ours = openMemory();
  const seed = anySeed();
  const prng = new Prng(seed);
  for (const [names, sql] of [[ofOne, "(?1)"], [ofTwo, "(?1, ?2)"]] as const) {
    for (const name of names) {
      const query = `SELECT ${name}${sql}, typeof(${name}${sql})`;
      using mine = ours.prepare(query);
      using theirs = own.prepare(query);
      for (let i = 0; i < 400; i++) {
        const values = [argument(prng), argument(prng)].slice(0, sql === "(?1)" ? 1 : 2);
        const got = mine.value(...values);
        const expected = theirs.value(...values);
        const what = `${name}(${values}): ${got}, not ${expected} (seed ${seed})`;
        if (isWrongThere(name, values[0])) continue;
        assert.equal(got?.[1], expected?.[1], what);
        assert(isClose(got?.[0] ?? null, expected?.[0] ?? null), what);
      }
    }
  }
});

Deno.test("mathematical functions: exactly our own doubles, not the C library's", () => {
  const bodies = { ...exponentials, ...trigonometry, log: exponentials.log10 };
  using db = openMemory();
  for (const name of ofOne) {
    const body = bodies[name as keyof typeof bodies] as (x: number) => number;
    using query = db.prepare(`SELECT ${name}(?)`);
    for (let i = 1; i <= 3000; i++) {
      const x = i * 0.00033;
      const expected = body(x);
      assert.equal(query.value(x)?.[0], Number.isNaN(expected) ? null : expected, `${name}(${x})`);
    }
  }
});

Deno.test("mathematical functions: on every kind of connection, and where functions must be deterministic", async () => {
  const expected = -0.8522008497671888;
  await withDirectory((directory) => {
    const path = `${directory}/a.db`;
    using determinism = new Determinism(library);
    using writer = determinism.open(path);
    writer.exec(`
      CREATE TABLE t(x PRIMARY KEY, s AS (sin(x)) STORED, CHECK (cos(x) <= 1));
      CREATE INDEX i ON t(sin(x), ln(x));
      INSERT INTO t VALUES (1e22), (2), (0.7);
      PRAGMA trusted_schema = OFF;
      CREATE VIEW v AS SELECT sin(x) AS y FROM t;
      VACUUM`);
    assert.equal(writer.scalar("SELECT s FROM t WHERE x = 1e22"), expected);
    assert.equal(writer.scalar("SELECT min(y) FROM v"), expected);
    using reader = new Database(path, { library, readonly: true });
    const found = "SELECT sin(x) FROM t INDEXED BY i WHERE sin(x) = ?";
    assert.equal(reader.scalar(found, expected), expected);
    assert.equal(reader.scalar("PRAGMA integrity_check"), "ok");
  });
});

Deno.test("mathematical functions: their number of arguments is SQLite's", () => {
  using db = openMemory();
  for (const sql of ["sin()", "sin(1, 2)", "pow(1)", "atan2(1)", "log()", "log(1, 2, 3)"]) {
    assert.throws(() => db.scalar(`SELECT ${sql}`), /wrong number of arguments/);
  }
});
