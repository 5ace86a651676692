import type { Disk } from "../../io/types.ts";
import type { Store } from "../../store/types.ts";
import { ArchiveError, type BaseRecord } from "./layout.ts";
import type { CountBytes } from "./base_copy.ts";
import type { Point } from "./moment.ts";
import { baseFor, type Reached, replay } from "./point_in_time.ts";
import type { ArchiveReader } from "./reader.ts";
import { extensionsOf, sqliteLabel } from "./sqlite_label.ts";

export interface RestoreParts {
  readonly reader: ArchiveReader;
  readonly point: Point;
  readonly disk: Disk;
  /** Empty, and the caller's to remove. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  /** Is told of the base copy's bytes. */
  readonly counted?: CountBytes;
  /** Opens a store whose database is `db.sqlite` in a directory. */
  openStore(directory: string): Promise<Store>;
}

/** The database as it was at a point, in a store that `use` gets and that is closed behind it. */
export async function restoreStore<Result>(
  { reader, point, disk, directory, openStore, signal, counted }: RestoreParts,
  use: (store: Store, reached: Reached) => Promise<Result>,
): Promise<Result> {
  const base = await baseFor(reader, point, signal);
  const home = `${directory}/restored`;
  await disk.makeDirectory(home);
  const store = await openStore(home);
  try {
    checkExtensions(base, sqliteLabel(await store.status()));
    await reader.take(base, { store, signal, counted });
    return await use(store, await replay({ reader, base, point, store, signal }));
  } finally {
    await store.close();
  }
}

/** Without the extensions that entries were applied with they would have other results, or errors. */
function checkExtensions({ key, sqlite }: BaseRecord, own: string): void {
  const [theirs, ours] = [extensionsOf(sqlite), extensionsOf(own)];
  if (theirs === ours) return;
  throw new ArchiveError(
    `${key} was made with ${theirs || "no extensions"}, and this restores with ${
      ours || "none"
    }: ` +
      "give -extensions-path as the cluster's nodes have it",
  );
}
