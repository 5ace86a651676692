/**
 * Numbers of about 106 bits as the sum of two doubles (T. J. Dekker, "A floating-point technique
 * for extending the available precision", 1971; Hida, Li and Bailey's QD library). Made of `+`, `-`,
 * `*`, `/` and the square root alone, which IEEE 754 rounds in one way only: what comes out is the
 * same on every processor, system and JavaScript engine.
 */
export interface DoubleDouble {
  /** The number, rounded to a double. */
  readonly hi: number;
  /** What is missing to it: half a unit in the last place of `hi` at most. */
  readonly lo: number;
}

export const one: DoubleDouble = { hi: 1, lo: 0 };

export function exactly(value: number): DoubleDouble {
  return { hi: value, lo: 0 };
}

/** The sum of two doubles, exactly. */
export function sumOf(a: number, b: number): DoubleDouble {
  const hi = a + b;
  const part = hi - a;
  return { hi, lo: (a - (hi - part)) + (b - part) };
}

/** The same when `a` is the larger one in magnitude. */
function sumOfOrdered(a: number, b: number): DoubleDouble {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

/** 2^27 + 1: takes a double apart into two halves of 26 bits. */
const splitter = 134_217_729;

/** The product of two doubles, exactly, unless it is near the ends of a double's range. */
export function productOf(a: number, b: number): DoubleDouble {
  const hi = a * b;
  const aScaled = splitter * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = splitter * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return { hi, lo: ((aHigh * bHigh - hi) + aHigh * bLow + aLow * bHigh) + aLow * bLow };
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const high = sumOf(a.hi, b.hi);
  const low = sumOf(a.lo, b.lo);
  const middle = sumOfOrdered(high.hi, high.lo + low.hi);
  return sumOfOrdered(middle.hi, middle.lo + low.lo);
}

export function negate(a: DoubleDouble): DoubleDouble {
  return { hi: -a.hi, lo: -a.lo };
}

export function subtract(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  return add(a, negate(b));
}

export function multiply(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const product = productOf(a.hi, b.hi);
  return sumOfOrdered(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

export function divide(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const first = a.hi / b.hi;
  const rest = subtract(a, multiply(b, exactly(first)));
  const second = rest.hi / b.hi;
  const third = subtract(rest, multiply(b, exactly(second))).hi / b.hi;
  const quotient = sumOfOrdered(first, second);
  return add(quotient, exactly(third));
}

/** Of a number that is not negative. */
export function squareRoot(a: DoubleDouble): DoubleDouble {
  if (a.hi === 0) return a;
  const root = Math.sqrt(a.hi);
  const rest = subtract(a, productOf(root, root));
  return sumOfOrdered(root, rest.hi / (2 * root));
}

/** Times a power of two, for which nothing is rounded. */
export function scale(a: DoubleDouble, factor: number): DoubleDouble {
  return { hi: a.hi * factor, lo: a.lo * factor };
}

/**
 * c[0] + c[1] x + c[2] x² + …, where a power of x makes each term smaller than the one before.
 */
export function polynomial(x: DoubleDouble, coefficients: readonly DoubleDouble[]): DoubleDouble {
  let sum = exactly(0);
  for (let i = coefficients.length - 1; i >= 0; i--) {
    sum = add(multiply(sum, x), coefficients[i] ?? one);
  }
  return sum;
}

const view = new DataView(new ArrayBuffer(8));

/** 2^exponent, from -1022 to 1023. */
export function powerOfTwo(exponent: number): number {
  view.setUint32(0, (exponent + 1023) << 20);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}

/** x · 2^exponent, from -2200 to 2046; rounded once more where the result is subnormal. */
export function timesPowerOfTwo(x: number, exponent: number): number {
  let rest = exponent;
  let scaled = x;
  while (rest < -1022) {
    // Not in steps that leave normal numbers one by one: each would round.
    const step = Math.max(-1022, rest + 969);
    scaled *= powerOfTwo(step);
    rest -= step;
  }
  if (rest > 1023) {
    scaled *= powerOfTwo(1023);
    rest -= 1023;
  }
  return scaled * powerOfTwo(rest);
}

/** A finite number other than 0 as fraction · 2^exponent; the fraction's magnitude is from 1 to below 2. */
export function apart(x: number): { readonly fraction: number; readonly exponent: number } {
  view.setFloat64(0, x);
  const head = view.getUint32(0);
  const biased = (head >>> 20) & 0x7ff;
  if (biased === 0) {
    const { fraction, exponent } = apart(x * powerOfTwo(64));
    return { fraction, exponent: exponent - 64 };
  }
  view.setUint32(0, (head & 0x800f_ffff) | 0x3ff0_0000);
  return { fraction: view.getFloat64(0), exponent: biased - 1023 };
}
