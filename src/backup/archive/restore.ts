import type { Disk } from "../../io/types.ts";
import type { Store } from "../../store/types.ts";
import { ArchiveError, type BaseRecord } from "./layout.ts";
import { baseFor, type Point, type Reached, replay } from "./point_in_time.ts";
import type { ArchiveReader } from "./reader.ts";

export interface RestoreParts {
  readonly reader: ArchiveReader;
  readonly point: Point;
  readonly disk: Disk;
  /** Empty, and the caller's to remove. */
  readonly directory: string;
  /** Opens a store whose database is `db.sqlite` in a directory. */
  openStore(directory: string): Promise<Store>;
}

/** The database as it was at a point, in a store that `use` gets and that is closed behind it. */
export async function restoreStore<Result>(
  parts: RestoreParts,
  use: (store: Store, reached: Reached) => Promise<Result>,
): Promise<Result> {
  const { reader, point, disk, directory, openStore } = parts;
  const base = baseFor(reader, point);
  const home = `${directory}/restored`;
  await disk.makeDirectory(home);
  await placeBase(parts, base, `${home}/db.sqlite`);
  const store = await openStore(home);
  try {
    return await use(store, await replay(reader, base, point, store));
  } finally {
    await store.close();
  }
}

/** Fetches a base copy and checks it, in a store of its own, before it becomes one. */
async function placeBase(
  { reader, disk, directory, openStore }: RestoreParts,
  base: BaseRecord,
  path: string,
): Promise<void> {
  const scratch = await openStore(`${directory}/scratch`);
  try {
    const checked = await scratch.check(reader.baseBytes(base));
    if (checked.contentSha256 !== base.contentSha256) {
      throw new ArchiveError(`${reader.name}: ${base.key} is not the database that was copied`);
    }
    const file = await disk.open(path, { create: true });
    try {
      let at = 0;
      for await (const piece of checked.body()) {
        await file.write(at, piece);
        at += piece.length;
      }
      await file.sync();
    } finally {
      file.close();
      await checked.close();
    }
  } finally {
    await scratch.close();
  }
}
