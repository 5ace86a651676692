const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** Writes a number of bytes as rqlite does for people: `41 B`, `4.1 kB`, `70 kB`. */
export function formatGoBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  const rounded = Math.round(value * 10) / 10;
  return `${rounded < 10 ? rounded.toFixed(1) : rounded.toFixed(0)} ${units[unit]}`;
}
