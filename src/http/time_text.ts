/** A time in ms since 1970 as ISO 8601 has it; undefined, and so left out, for none. */
export function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
