/**
 * What becomes of values in columns declared DATE, DATETIME or TIMESTAMP: RFC 3339, by the rules of
 * the driver that rqlite uses (https://github.com/mattn/go-sqlite3, SQLiteTimestampFormats).
 */

/** A text that is no time, and the empty one. */
const zeroTime = "0001-01-01T00:00:00Z";

/**
 * What Go's time.ParseInLocation takes by those formats: an hour may have one digit, a space may be
 * many, a fraction begins with either sign and has digits without end, an offset may have 60 minutes.
 */
const pattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:(?: +|T)(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?(?:([+-])(\d\d):(\d\d))?)?)?$/;

const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * A time in text as RFC 3339, with its own offset from UTC where it has one; undefined when that is
 * a day or more, for which RFC 3339 has no words.
 */
export function timeFromText(text: string): string | undefined {
  const match = pattern.exec(text.endsWith("Z") ? text.slice(0, -1) : text);
  if (match === null) return zeroTime;
  const [, year = "", month = "", day = "", hour = "00", minute = "00", second = "00"] = match;
  if (!isDate(Number(year), Number(month), Number(day))) return zeroTime;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return zeroTime;
  const [offsetHour, offsetMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (offsetHour > 24 || offsetMinute > 60) return zeroTime;
  const offset = offsetHour * 60 + offsetMinute;
  if (offset >= minutesPerDay) return undefined;
  const zone = offset === 0
    ? "Z"
    : `${match[8]}${twoDigits(offset / 60)}:${twoDigits(offset % 60)}`;
  const fraction = (match[7] ?? "").replace(/0+$/, "");
  const point = fraction === "" ? "" : `.${fraction}`;
  return `${year}-${month}-${day}T${hour.padStart(2, "0")}:${minute}:${second}${point}${zone}`;
}

const minutesPerDay = 24 * 60;

function twoDigits(value: number): string {
  return `${Math.trunc(value)}`.padStart(2, "0");
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
