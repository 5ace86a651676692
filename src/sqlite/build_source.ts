import { pageSumsSource } from "./page_sums_source.ts";
import { rowIdWatchSource } from "./row_id_watch_source.ts";

/**
 * What is compiled: SQLite with a natural logarithm of its own, in place of the C library's. Beside
 * its mathematical functions, for which `mathematics.ts` stands in, that is all that SQLite takes
 * from there: for bm25(), by which FTS5 ranks, and `ORDER BY rank` in a write must be the same on
 * every node. It is `logarithm` of `base/exponentials.ts`: sums of two doubles, of plain arithmetic
 * that must not be contracted (-ffp-contract=off).
 *
 * <math.h> comes first, as it does not bear the name of one of its functions to be a macro; so do
 * the macros that sqlite3.c begins with, which no system header may be included without.
 *
 * Behind it all come the sums of pages (`page_sums_source.ts`), and what looks at row ids
 * (`row_id_watch_source.ts`).
 */
export const buildSource = `
#define _GNU_SOURCE
#ifndef SQLITE_DISABLE_LFS
# define _LARGE_FILE 1
# define _FILE_OFFSET_BITS 64
# define _LARGEFILE_SOURCE 1
#endif
#include <math.h>

static double raftlite_log(double x);
#define log raftlite_log
#include "sqlite3.c"
#undef log

typedef struct { double hi, lo; } pair;

static pair ordered(double a, double b) {
  pair sum;
  sum.hi = a + b;
  sum.lo = b - (sum.hi - a);
  return sum;
}

static pair sum_of(double a, double b) {
  pair sum;
  double part;
  sum.hi = a + b;
  part = sum.hi - a;
  sum.lo = (a - (sum.hi - part)) + (b - part);
  return sum;
}

static pair product_of(double a, double b) {
  double scaled = 134217729.0 * a, a_high = scaled - (scaled - a), a_low = a - a_high;
  double other = 134217729.0 * b, b_high = other - (other - b), b_low = b - b_high;
  pair product;
  product.hi = a * b;
  product.lo = ((a_high * b_high - product.hi) + a_high * b_low + a_low * b_high) + a_low * b_low;
  return product;
}

static pair add(pair a, pair b) {
  pair high = sum_of(a.hi, b.hi), low = sum_of(a.lo, b.lo);
  pair middle = ordered(high.hi, high.lo + low.hi);
  return ordered(middle.hi, middle.lo + low.lo);
}

static pair multiply(pair a, pair b) {
  pair product = product_of(a.hi, b.hi);
  return ordered(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

static pair exactly(double value) {
  pair result;
  result.hi = value;
  result.lo = 0.0;
  return result;
}

static pair subtract(pair a, pair b) {
  b.hi = -b.hi;
  b.lo = -b.lo;
  return add(a, b);
}

static pair divide(pair a, pair b) {
  double first = a.hi / b.hi;
  pair rest = subtract(a, multiply(b, exactly(first)));
  double second = rest.hi / b.hi;
  double third = subtract(rest, multiply(b, exactly(second))).hi / b.hi;
  return add(ordered(first, second), exactly(third));
}

static double raftlite_log(double x) {
  static const pair ln2 = {0.6931471805599453, 2.3190468138462996e-17};
  unsigned long long bits;
  int exponent = 0, n;
  pair ratio, square, series = {0.0, 0.0};
  if (x != x || x > 1.7976931348623157e308) return x;
  if (x <= 0.0) return x == 0.0 ? -1.0 / (x * x) : (x - x) / (x - x);
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984.0;
    exponent = -54;
  }
  memcpy(&bits, &x, sizeof bits);
  exponent += (int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
  memcpy(&x, &bits, sizeof x);
  if (x > 1.4142135623730951) {
    x *= 0.5;
    exponent++;
  }
  ratio = divide(sum_of(x, -1.0), sum_of(x, 1.0));
  square = multiply(ratio, ratio);
  for (n = 21; n >= 0; n--) {
    series = add(multiply(series, square), divide(exactly(1.0), exactly(2.0 * n + 1.0)));
  }
  series = multiply(ratio, series);
  series.hi *= 2.0;
  series.lo *= 2.0;
  return add(multiply(ln2, exactly((double)exponent)), series).hi;
}
${pageSumsSource}${rowIdWatchSource}`;
