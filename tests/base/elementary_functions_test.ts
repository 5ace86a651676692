import assert from "node:assert/strict";
import * as exponentials from "../../src/base/exponentials.ts";
import { Prng } from "../../src/base/prng.ts";
import * as trigonometry from "../../src/base/trigonometry.ts";
import { anySeed } from "../store/seeds.ts";

type Body = (x: number, y: number) => number;

const functions: Readonly<Record<string, Body>> = { ...exponentials, ...trigonometry };
const v8: Readonly<Record<string, Body>> = { ...mathOf(), ln: Math.log };

function mathOf(): Record<string, Body> {
  const { exp, log2, log10, pow, sinh, cosh, tanh, asinh, acosh, atanh } = Math;
  const { sin, cos, tan, asin, acos, atan, atan2 } = Math;
  const bodies = { exp, log2, log10, pow, sinh, cosh, tanh, asinh, acosh, atanh };
  return { ...bodies, sin, cos, tan, asin, acos, atan, atan2 };
}

const view = new DataView(new ArrayBuffer(8));

/** Doubles in their order as integers, so that neighbours differ by one. */
function place(x: number): bigint {
  view.setFloat64(0, x);
  const bits = view.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits;
}

function distance(a: number, b: number): bigint {
  if (Number.isNaN(a) || Number.isNaN(b)) {
    return Number.isNaN(a) === Number.isNaN(b) ? 0n : 1n << 63n;
  }
  const difference = place(a) - place(b);
  return difference < 0n ? -difference : difference;
}

/** Any double, and those where functions are used most. */
function argument(prng: Prng): number {
  const unit = prng.uint32() / 2 ** 32 + prng.uint32() / 2 ** 64;
  switch (prng.below(6)) {
    case 0:
      return unit * 2 - 1;
    case 1:
      return unit * 20 - 10;
    case 2:
      return unit * 1500 - 750;
    case 3:
      view.setUint32(0, prng.uint32());
      view.setUint32(4, prng.uint32());
      return view.getFloat64(0);
    case 4:
      return (unit - 0.5) * 1e-7;
    default:
      return (prng.below(2001) - 1000) / 8;
  }
}

/** What any of them is asked: special values, and 1,500 others. */
function argumentsFrom(seed: bigint): (readonly [number, number])[] {
  const special = [
    0,
    -0,
    1,
    -1,
    0.5,
    2,
    Infinity,
    -Infinity,
    NaN,
    5e-324,
    -5e-324,
    1.7976931348623157e308,
  ];
  const pairs = special.flatMap((x) => [...special, 3, -3].map((y) => [x, y] as const));
  const prng = new Prng(seed);
  return [
    ...pairs,
    ...Array.from({ length: 1500 }, () => [argument(prng), argument(prng)] as const),
  ];
}

Deno.test("elementary functions: at most two doubles beside V8's, for random arguments", () => {
  const seed = anySeed();
  for (const [name, body] of Object.entries(functions)) {
    const theirs = v8[name];
    assert(theirs, name);
    for (const [x, y] of argumentsFrom(seed)) {
      // JavaScript's power differs from C's here.
      if (name === "pow" && Math.abs(x) === 1 && !Number.isFinite(y)) continue;
      if (name === "pow" && x === 1) continue;
      const got: number = body(x, y);
      const expected: number = theirs(x, y);
      const what = `${name}(${x}, ${y}) is ${got}, V8 has ${expected} (seed ${seed})`;
      assert(distance(got, expected) <= 2n, what);
      if (got === 0 && x === 0) assert.equal(Object.is(got, -0), Object.is(expected, -0), what);
    }
  }
});

Deno.test("elementary functions: what is exact comes out exactly", () => {
  const { exp, ln, log2, log10, pow, cosh, acosh } = exponentials;
  for (let n = -300; n <= 300; n++) assert.equal(log10(Number(`1e${n}`)), n);
  for (let n = 0; n <= 1023; n++) assert.equal(log2(Number(2n ** BigInt(n))), n);
  for (let n = 0; n <= 15; n++) assert.equal(pow(10, n), Number(10n ** BigInt(n)));
  assert.equal(pow(-3, 3), -27);
  assert.equal(pow(-8, 1 / 3), NaN);
  assert.equal(pow(1, Infinity), 1);
  assert.equal(pow(-1, -Infinity), 1);
  assert.equal(pow(-0, -3), -Infinity);
  assert.equal(exp(0) + cosh(0), 2);
  assert.equal(ln(1) + acosh(1), 0);
  assert.equal(trigonometry.acos(-1), Math.PI);
  assert.equal(trigonometry.atan2(-0, -1), -Math.PI);
});

Deno.test("elementary functions: a double's worst cases", () => {
  // Next to a multiple of π/2 (J.-M. Muller, "Elementary Functions", chapter 11), and far out.
  assert.equal(trigonometry.sin(3.386904433783409e15), 0.2856194489097374);
  assert.equal(trigonometry.cos(6381956970095103 * 2 ** 797), -4.687165924254628e-19);
  assert.equal(trigonometry.sin(1e22), -0.8522008497671888);
  assert.equal(exponentials.exp(-745.1332191019411), 5e-324);
  assert.equal(exponentials.exp(709.782712893384), 1.7976931348622732e308);
  assert.equal(exponentials.sinh(710.4758600739439), 1.7976931348621744e308);
});

Deno.test("elementary functions: the same doubles on every machine and under every Deno", async () => {
  const results = Object.values(functions).flatMap((body) =>
    // A NaN's bits are nobody's promise.
    argumentsFrom(1n).map(([x, y]) => body(x, y)).map((value) => Number.isNaN(value) ? -1e9 : value)
  );
  const bytes = new DataView(new ArrayBuffer(results.length * 8));
  results.forEach((value, i) => bytes.setFloat64(i * 8, value));
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  assert.equal(hex(sum.slice(0, 8)), "4d9cfd29608ba7f8");
});

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
