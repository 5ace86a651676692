/**
 * What becomes of values in columns declared DATE, DATETIME or TIMESTAMP: RFC 3339, by the rules of
 * the driver that rqlite uses (https://github.com/mattn/go-sqlite3, SQLiteTimestampFormats).
 */

/** A text that is no time, and the empty one. */
const zeroTime = "0001-01-01T00:00:00Z";

const pattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?([+-]\d\d:\d\d)?)?)?$/;

const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A time in text as RFC 3339, with its own offset from UTC where it has one. */
export function timeFromText(text: string): string {
  const match = pattern.exec(text.endsWith("Z") ? text.slice(0, -1) : text);
  if (match === null) return zeroTime;
  const [, year = "", month = "", day = "", hour = "00", minute = "00", second = "00"] = match;
  const fraction = (match[7] ?? "").replace(/0+$/, "");
  const offset = match[8] ?? "+00:00";
  if (!isDate(Number(year), Number(month), Number(day))) return zeroTime;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return zeroTime;
  if (Number(offset.slice(1, 3)) > 24 || Number(offset.slice(4)) > 59) return zeroTime;
  const zone = offset.slice(1) === "00:00" ? "Z" : offset;
  const point = fraction === "" ? "" : `.${fraction}`;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${point}${zone}`;
}

function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 && leap ? 29 : daysInMonth[month - 1] ?? 0);
}

/**
 * Seconds since 1970 as RFC 3339, or milliseconds when beyond 10^12 in size; undefined when the
 * year does not fit into RFC 3339's four digits.
 */
export function timeFromInteger(value: number | bigint): string | undefined {
  const inMs = value > 1e12 || value < -1e12;
  const ms = inMs ? Number(value) : Number(value) * 1000;
  // Date reaches beyond years 0 to 9999, and gives NaN beyond its own range.
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return undefined;
  return date.toISOString().replace(/\.?0*Z$/, "Z");
}
