import { Prng } from "../../src/base/prng.ts";

/** Where the golden answers come from, by `tests/store/time_values_rqlite.ts`. */
export const goldenSeed = 11;
export const goldenCount = 6000;
export const goldenUrl = new URL("./time_values.golden", import.meta.url);
/** Stands in it where rqlite fails the whole request. */
export const refused = "!";

/** An answer as a line of the golden file. */
export function toGolden(answer: string): string {
  return answer === "0001-01-01T00:00:00Z" ? "0" : answer;
}

/** Values for columns of times, most of them times or nearly so, always the same from one seed. */
export function timeValues(seed: number, count: number): (string | number)[] {
  const draw = new Draw(new Prng(BigInt(seed)));
  return Array.from({ length: count }, () => draw.of(20) ? integer(draw) : text(draw));
}

class Draw {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  below(limit: number): number {
    return this.#prng.below(limit);
  }

  /** True once in so many times. */
  of(times: number): boolean {
    return this.below(times) === 0;
  }

  one<T>(first: T, ...others: readonly T[]): T {
    return others[this.below(others.length + 1) - 1] ?? first;
  }

  /** The first nearly always. */
  mostly<T>(first: T, ...others: readonly T[]): T {
    return this.of(12) ? this.one(first, ...others) : first;
  }

  /** A number up to `max`, seldom beyond it, with the digits that it should have or others. */
  number(digits: number, max: number): string {
    const value = this.of(15) ? max + this.below(3) : this.below(max + 1);
    const text = `${value}`.padStart(this.mostly(digits, 1, digits + 1), "0");
    return this.mostly(text, "", `${text[0]}`, ` ${text}`, `+${text}`, `-${text}`);
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.below(10)).join("");
  }
}

function text(draw: Draw): string {
  const spoilt = draw.of(8) ? spoil : (text: string) => text;
  return spoilt(draw.mostly("", " ", "\t", "T", "0", "-") + moment(draw), draw);
}

function moment(draw: Draw): string {
  const dash = draw.mostly("-", "/", "", " ", ".");
  const date = `${year(draw)}${dash}${day(draw, dash)}`;
  const end = draw.mostly(draw.one("", "", "Z"), "ZZ", "z", " Z", " ", "\n", "UTC", "\0", "x");
  if (draw.of(8)) return date + end;
  const between = draw.mostly(draw.one(" ", "T"), "  ", "   ", "t", "", "\t", " T", "T ", "_");
  return date + between + clock(draw) + end;
}

function year(draw: Draw): string {
  const leap = draw.one("2024", "2000", "1900", "2023", "2100", "0000", "9999", "0001");
  return draw.mostly(draw.one(leap, draw.digits(4)), draw.digits(draw.below(7)), "-024", "+2024");
}

function day(draw: Draw, dash: string): string {
  const edges = ["02-28", "02-29", "02-30", "04-30", "04-31", "12-31", "01-32", "00-10", "10-00"];
  if (draw.of(5)) return (edges[draw.below(edges.length)] ?? "").replace("-", dash);
  return `${draw.number(2, 12)}${dash}${draw.number(2, 28)}`;
}

function clock(draw: Draw): string {
  // One digit is as good as two for an hour.
  const hour = draw.of(4) ? `${draw.below(10)}` : draw.number(2, 23);
  const colon = draw.mostly(":", ".", "", " ", "::");
  const minutes = `${hour}${colon}${draw.number(2, 59)}`;
  if (draw.of(8)) return draw.of(5) ? minutes + offset(draw) : minutes;
  const seconds = `${minutes}${colon}${draw.number(2, 59)}`;
  const fraction = draw.one("", draw.mostly(".", ",", ":") + draw.digits(draw.below(13)));
  return seconds + draw.mostly(fraction, ".", ".5.5", ".000", ".1234567890") +
    draw.one("", "", offset(draw));
}

function offset(draw: Draw): string {
  const sign = draw.mostly(draw.one("+", "-"), "", " ", "\u2212", " +", "+-");
  const hour = draw.one("00", draw.number(2, 23), draw.number(2, 25));
  const minute = draw.one("00", "30", draw.number(2, 60));
  return sign + hour + draw.mostly(":", "", ".") + draw.mostly(minute, "", "00:00", "5");
}

/** Changes one character, takes it out, or puts another beside it. */
function spoil(text: string, draw: Draw): string {
  const at = draw.below(text.length + 1);
  const other = draw.one(..."0159 -:+.,TZtz/\0\u00e9\u0661" as unknown as [string]);
  return text.slice(0, at) + draw.one(other, "") + text.slice(at + draw.below(2));
}

/** Seconds or milliseconds, in the years that both can tell. */
function integer(draw: Draw): number {
  const sign = draw.one(1, -1);
  switch (draw.below(5)) {
    case 0:
      return sign * draw.below(100_000);
    case 1:
      return draw.one(-62_167_219_200, 253_402_300_799, 1e12, -1e12, 1e12 + 1, -1e12 - 1);
    case 2:
      return Math.floor(draw.below(2 ** 31) * 110) - (draw.below(2 ** 30) * 50);
    default:
      return sign * (1e12 + draw.below(8_000) * 1e9 + draw.below(1e9));
  }
}
