import type { StoreStatus } from "../../store/types.ts";

/** Between SQLite's version and its extensions. */
const mark = " with ";

/** What entries of an archive were applied by: whoever applies them anew should be the same. */
export function sqliteLabel(
  { sqliteVersion, extensions: { files } }: Pick<StoreStatus, "sqliteVersion" | "extensions">,
): string {
  if (files.length === 0) return sqliteVersion;
  const names = files.map(({ name, sha256 }) => `${name} (SHA-256 ${sha256.slice(0, 12)})`);
  return `${sqliteVersion}${mark}${names.join(", ")}`;
}

/** The part of a label that names extensions; "" for none. */
export function extensionsOf(label: string): string {
  const at = label.indexOf(mark);
  return at < 0 ? "" : label.slice(at + mark.length);
}
