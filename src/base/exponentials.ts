import {
  add,
  apart,
  divide,
  type DoubleDouble,
  exactly,
  multiply,
  negate,
  one,
  polynomial,
  powerOfTwo,
  productOf,
  scale,
  squareRoot,
  subtract,
  sumOf,
  timesPowerOfTwo,
} from "./double_double.ts";

/**
 * The exponential function, logarithms, powers and hyperbolic functions, the same double for the
 * same argument everywhere. Computed to about 100 bits, so that all but one argument in billions
 * gives the double nearest to the true value. Arguments outside of a function's domain give NaN, and
 * infinities what C's functions give.
 */

const ln2: DoubleDouble = { hi: 0.6931471805599453, lo: 2.3190468138462996e-17 };
const ln10: DoubleDouble = { hi: 2.302585092994046, lo: -2.1707562233822494e-16 };

/** 1 / (2n + 1): the series of the inverse hyperbolic tangent, in powers of x². */
const inverseOdds = Array.from({ length: 22 }, (_, n) => divide(one, exactly(2 * n + 1)));
/** 1 / (n + 1)!: that of (e^x - 1) / x. */
const inverseFactorials = factorials(15).map((factorial) => divide(one, factorial));

function factorials(count: number): DoubleDouble[] {
  const list: DoubleDouble[] = [one];
  for (let n = 2; n <= count; n++) list.push(multiply(list[n - 2] ?? one, exactly(n)));
  return list;
}

/** Above this argument e^x is Infinity, below its negative 0; some room on both sides. */
const exponentMax = 800;

/** e^x = (1 + fraction) · 2^exponent, for |x| up to `exponentMax`. */
function exponential(
  x: DoubleDouble,
): { readonly fraction: DoubleDouble; readonly exponent: number } {
  const exponent = Math.round(x.hi / ln2.hi);
  const rest = subtract(x, multiply(ln2, exactly(exponent)));
  const small = scale(rest, 1 / 16);
  let fraction = multiply(small, polynomial(small, inverseFactorials));
  // e^(2y) - 1 from s = e^y - 1.
  for (let i = 0; i < 4; i++) fraction = add(multiply(fraction, fraction), scale(fraction, 2));
  return { fraction, exponent };
}

/** e^x as one number; not near the ends of the range. */
function exponentialOf(x: DoubleDouble): DoubleDouble {
  const { fraction, exponent } = exponential(x);
  return scale(add(one, fraction), powerOfTwo(exponent));
}

/** e^x - 1, to full precision near 0 as well. */
function exponentialLessOne(x: DoubleDouble): DoubleDouble {
  const { fraction, exponent } = exponential(x);
  if (exponent === 0) return fraction;
  return subtract(scale(add(one, fraction), powerOfTwo(exponent)), one);
}

/** e^x, rounded to a double; 0 and Infinity beyond the range. */
function rounded(x: DoubleDouble): number {
  if (x.hi > exponentMax) return Infinity;
  if (x.hi < -exponentMax) return 0;
  const { fraction, exponent } = exponential(x);
  return timesPowerOfTwo(add(one, fraction).hi, exponent);
}

/** artanh(x), for |x| up to about 0.18. */
function seriesOfArtanh(x: DoubleDouble): DoubleDouble {
  return multiply(x, polynomial(multiply(x, x), inverseOdds));
}

/** The natural logarithm of a positive, finite number. */
function logarithm(x: DoubleDouble): DoubleDouble {
  const { exponent: whole } = apart(x.hi);
  // Two steps, as the least number's reciprocal is no double.
  const half = Math.trunc(whole / 2);
  let fraction = scale(scale(x, powerOfTwo(-half)), powerOfTwo(half - whole));
  let exponent = whole;
  if (fraction.hi > Math.SQRT2) {
    fraction = scale(fraction, 0.5);
    exponent++;
  }
  const ratio = divide(subtract(fraction, one), add(fraction, one));
  return add(multiply(ln2, exactly(exponent)), scale(seriesOfArtanh(ratio), 2));
}

/** ln(1 + u) for u from 0, to full precision near 0 as well. */
function logarithmOfOneAnd(u: DoubleDouble): DoubleDouble {
  if (u.hi > 0.25) return logarithm(add(one, u));
  return scale(seriesOfArtanh(divide(u, add(exactly(2), u))), 2);
}

export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  return rounded(exactly(x));
}

export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  return x === Infinity ? x : logarithm(exactly(x)).hi;
}

export function log2(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  return x === Infinity ? x : divide(logarithm(exactly(x)), ln2).hi;
}

export function log10(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  return x === Infinity ? x : divide(logarithm(exactly(x)), ln10).hi;
}

/** x to the power of y, with C's answers for infinities, 1 and 0. */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const magnitude = Math.abs(x);
  if (!Number.isFinite(y)) {
    if (magnitude === 1) return 1;
    return magnitude > 1 === y > 0 ? Infinity : 0;
  }
  const negative = x < 0 || Object.is(x, -0);
  const odd = Number.isInteger(y) && Math.abs(y) < 2 ** 53 && y % 2 !== 0;
  const sign = negative && odd ? -1 : 1;
  if (magnitude === 0) return y > 0 ? sign * 0 : sign * Infinity;
  if (magnitude === Infinity) return y > 0 ? sign * Infinity : sign * 0;
  if (negative && !Number.isInteger(y)) return NaN;
  if (magnitude === 1) return sign;
  const log = logarithm(exactly(magnitude));
  const estimate = log.hi * y;
  if (estimate > exponentMax) return sign * Infinity;
  if (estimate < -exponentMax) return sign * 0;
  return sign * rounded(multiply(log, exactly(y)));
}

/** From here on the other one of e^x and e^-x is lost in rounding, in sinh and cosh. */
const oneSided = 40;

export function sinh(x: number): number {
  const magnitude = Math.abs(x);
  if (!Number.isFinite(x) || x === 0) return x;
  if (magnitude < tiny) return x;
  if (magnitude > oneSided) return (x < 0 ? -1 : 1) * halfExponential(magnitude);
  const less = exponentialLessOne(exactly(magnitude));
  const result = scale(add(less, divide(less, add(less, one))), 0.5).hi;
  return x < 0 ? -result : result;
}

export function cosh(x: number): number {
  const magnitude = Math.abs(x);
  if (!Number.isFinite(x)) return magnitude;
  if (magnitude > oneSided) return halfExponential(magnitude);
  const power = exponentialOf(exactly(magnitude));
  return scale(add(power, divide(one, power)), 0.5).hi;
}

/** e^x / 2, which may be finite where e^x is not. */
function halfExponential(x: number): number {
  return rounded(subtract(exactly(x), ln2));
}

export function tanh(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < tiny || Number.isNaN(x)) return x;
  if (magnitude > 20) return x < 0 ? -1 : 1;
  const less = exponentialLessOne(exactly(2 * magnitude));
  const result = divide(less, add(less, exactly(2))).hi;
  return x < 0 ? -result : result;
}

/** Below this magnitude a function whose derivative at 0 is 1, and its second 0, gives its argument. */
const tiny = powerOfTwo(-28);
/** From here on 1 + x² is x² to far more than a double's precision, and may be no double. */
const squareLost = powerOfTwo(60);

export function asinh(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < tiny || !Number.isFinite(x)) return x;
  const result = magnitude > squareLost
    ? add(logarithm(exactly(magnitude)), ln2).hi
    : asinhOf(magnitude);
  return x < 0 ? -result : result;
}

/** ln(x + √(x² + 1)) as ln(1 + x + x² / (1 + √(x² + 1))). */
function asinhOf(x: number): number {
  const square = productOf(x, x);
  const root = squareRoot(add(square, one));
  return logarithmOfOneAnd(add(exactly(x), divide(square, add(one, root)))).hi;
}

export function acosh(x: number): number {
  if (!(x >= 1)) return NaN;
  if (x === Infinity) return x;
  if (x > squareLost) return add(logarithm(exactly(x)), ln2).hi;
  const above = sumOf(x, -1);
  const root = squareRoot(multiply(above, add(above, exactly(2))));
  return logarithmOfOneAnd(add(above, root)).hi;
}

export function atanh(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < tiny || Number.isNaN(x)) return x;
  if (magnitude >= 1) return magnitude > 1 ? NaN : x * Infinity;
  const exact = exactly(magnitude);
  const result = magnitude < 0.17
    ? seriesOfArtanh(exact).hi
    : scale(logarithm(divide(add(one, exact), add(one, negate(exact)))), 0.5).hi;
  return x < 0 ? -result : result;
}
