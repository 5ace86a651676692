/**
 * Whether SQLite takes a value for on: a word for it, or a number that begins the text and whose
 * last byte is not zero. https://www.sqlite.org/pragma.html#pragma_foreign_keys
 */
export function isOn(value: string): boolean {
  if (/^(?:on|yes|true)$/i.test(value)) return true;
  const digits = /^(?:0x0*[0-9a-f]{1,8}(?![0-9a-f])|\d+)/i.exec(value)?.[0];
  const number = digits === undefined ? 0 : Number(digits);
  return number <= 0x7fff_ffff && (number & 0xff) !== 0;
}
