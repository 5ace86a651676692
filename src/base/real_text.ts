/** A finite real in JSON, as no integer is written: with a point or an exponent. */
export function realText(value: number): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
