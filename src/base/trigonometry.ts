import {
  add,
  apart,
  divide,
  type DoubleDouble,
  exactly,
  multiply,
  one,
  polynomial,
  powerOfTwo,
  scale,
  squareRoot,
  subtract,
  sumOf,
  timesPowerOfTwo,
} from "./double_double.ts";

/**
 * Trigonometric functions, the same double for the same argument everywhere: see exponentials.ts.
 */

/** Bits behind the binary point of `twoOverPi`: enough for the largest double, and its reduction. */
const piBits = 1_280n;
const pi: DoubleDouble = { hi: 3.141592653589793, lo: 1.2246467991473532e-16 };
const halfPi = scale(pi, 0.5);
/** 2/π · 2^piBits, worked out when it is first needed. */
let twoOverPi: bigint | undefined;

/** -1/3, 1/5, … behind x: arctan. */
const alternatingInverseOdds = Array.from(
  { length: 18 },
  (_, n) => divide(exactly(n % 2 === 0 ? 1 : -1), exactly(2 * n + 1)),
);
const sineTerms = alternatingInverseFactorials(1);
const cosineTerms = alternatingInverseFactorials(0);

/** 1/first!, -1/(first + 2)!, … */
function alternatingInverseFactorials(first: number): DoubleDouble[] {
  const terms = [one];
  for (let n = first + 2; terms.length < 15; n += 2) {
    terms.push(divide(terms.at(-1) ?? one, exactly(-n * (n - 1))));
  }
  return terms;
}

/** arctan(1/n) · 2^bits. */
function arctanOfInverse(n: bigint, bits: bigint): bigint {
  let power = (1n << bits) / n;
  let sum = power;
  for (let k = 3n, sign = -1n; power !== 0n; k += 2n, sign = -sign) {
    power /= n * n;
    sum += sign * (power / k);
  }
  return sum;
}

/** Machin's formula, with more bits than are kept. */
function computeTwoOverPi(): bigint {
  const bits = piBits + 64n;
  const quarter = 4n * arctanOfInverse(5n, bits) - arctanOfInverse(239n, bits);
  return (1n << (piBits + bits)) / (2n * quarter);
}

/** How many bits of the fraction of x / (π/2) are looked at: doubles come within 2^-62 of a whole number. */
const fractionBits = 192n;
const fractionScale = powerOfTwo(-192);

/** The multiple of π/2 nearest to x, modulo 4, and what is left. */
function reduce(x: number): { readonly quadrant: number; readonly rest: DoubleDouble } {
  const magnitude = Math.abs(x);
  if (magnitude <= 0.7853981633974483) return { quadrant: 0, rest: exactly(x) };
  twoOverPi ??= computeTwoOverPi();
  const { fraction, exponent } = apart(magnitude);
  const mantissa = BigInt(fraction * powerOfTwo(52));
  // magnitude = mantissa · 2^shift; enough bits of 2/π behind those that make whole turns.
  const shift = BigInt(exponent - 52);
  const bits = shift + fractionBits + 64n;
  const used = bits < 320n ? 320n : bits;
  const turns = (mantissa * (twoOverPi >> (piBits - used))) >> (used - shift - fractionBits);
  const half = 1n << (fractionBits - 1n);
  const quadrant = Number(((turns + half) >> fractionBits) & 3n);
  const left = BigInt.asIntN(Number(fractionBits), turns);
  const rest = multiply(scale(doubleDoubleOf(left), fractionScale), halfPi);
  if (x > 0) return { quadrant, rest };
  return { quadrant: (4 - quadrant) & 3, rest: { hi: -rest.hi, lo: -rest.lo } };
}

/** Rounded to about 106 bits. */
function doubleDoubleOf(integer: bigint): DoubleDouble {
  const hi = Number(integer);
  return sumOf(hi, Number(integer - BigInt(hi)));
}

function sine(x: DoubleDouble): DoubleDouble {
  return multiply(x, polynomial(multiply(x, x), sineTerms));
}

function cosine(x: DoubleDouble): DoubleDouble {
  return polynomial(multiply(x, x), cosineTerms);
}

export function sin(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  if (Math.abs(x) < tiny) return x;
  const { quadrant, rest } = reduce(x);
  const { hi } = quadrant % 2 === 0 ? sine(rest) : cosine(rest);
  return quadrant < 2 ? hi : -hi;
}

export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const { quadrant, rest } = reduce(x);
  const { hi } = quadrant % 2 === 0 ? cosine(rest) : sine(rest);
  return quadrant === 1 || quadrant === 2 ? -hi : hi;
}

export function tan(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  if (Math.abs(x) < tiny) return x;
  const { quadrant, rest } = reduce(x);
  const [above, below] = [sine(rest), cosine(rest)];
  return quadrant % 2 === 0 ? divide(above, below).hi : -divide(below, above).hi;
}

/** Below this magnitude a function whose derivative at 0 is 1, and its second 0, gives its argument. */
const tiny = powerOfTwo(-28);

/** arctan(x) for x from 0 to 1: its argument is made small by arctan(x) = 2 arctan(x / (1 + √(1 + x²))). */
function arctanToOne(x: DoubleDouble): DoubleDouble {
  let small = x;
  for (let i = 0; i < 3; i++) {
    small = divide(small, add(one, squareRoot(add(one, multiply(small, small)))));
  }
  return scale(multiply(small, polynomial(multiply(small, small), alternatingInverseOdds)), 8);
}

/** arctan(y/x) for y and x not negative and not both 0. */
function arctanOfRatio(y: DoubleDouble, x: DoubleDouble): DoubleDouble {
  return y.hi <= x.hi ? arctanToOne(divide(y, x)) : subtract(halfPi, arctanToOne(divide(x, y)));
}

export function atan(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < tiny || Number.isNaN(x)) return x;
  const result = magnitude > 1e30 ? halfPi.hi : arctanOfRatio(exactly(magnitude), one).hi;
  return x < 0 ? -result : result;
}

export function asin(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < tiny || Number.isNaN(x)) return x;
  if (magnitude > 1) return NaN;
  const cosine = squareRoot(multiply(sumOf(1, -magnitude), sumOf(1, magnitude)));
  const result = arctanOfRatio(exactly(magnitude), cosine).hi;
  return x < 0 ? -result : result;
}

export function acos(x: number): number {
  if (!(Math.abs(x) <= 1)) return NaN;
  const sine = squareRoot(sumOf(1, -x));
  return scale(arctanOfRatio(sine, squareRoot(sumOf(1, x))), 2).hi;
}

/** Ratios further apart than this, in powers of two, are as good as 0. */
const apartMax = 100;

/** The angle of the point (x, y), from -π to π, with C's answers for zeros and infinities. */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const left = x < 0 || Object.is(x, -0);
  const below = y < 0 || Object.is(y, -0);
  const angle = angleOf(Math.abs(y), Math.abs(x), left);
  return below ? -angle : angle;
}

/** For magnitudes; `left` when x is negative. */
function angleOf(y: number, x: number, left: boolean): number {
  if (y === 0) return left ? pi.hi : 0;
  if (x === 0) return halfPi.hi;
  if (y === Infinity) {
    if (x !== Infinity) return halfPi.hi;
    return left ? multiply(pi, exactly(0.75)).hi : pi.hi / 4;
  }
  if (x === Infinity) return left ? pi.hi : 0;
  const [vertical, horizontal] = [apart(y), apart(x)];
  const exponent = vertical.exponent - horizontal.exponent;
  if (exponent > apartMax) return halfPi.hi;
  if (exponent < -apartMax) return left ? pi.hi : y / x;
  const scaled = exactly(timesPowerOfTwo(vertical.fraction, exponent));
  const angle = arctanOfRatio(scaled, exactly(horizontal.fraction));
  return left ? subtract(pi, angle).hi : angle.hi;
}
