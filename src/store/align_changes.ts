import { recordedPosition } from "../changes/change_file.ts";
import { type CommitPosition, comparePositions } from "../changes/commit_position.ts";
import { removeChanges } from "../changes/remove_changes.ts";
import type { Disk, Logger } from "../io/types.ts";
import { type Library, SqliteError } from "../sqlite/mod.ts";
import type { ChangesFile } from "./apply/write_connection.ts";
import { writeWalAgain } from "./copy/wal_file.ts";
import { positionAt, rewindWal } from "./copy/wal_rewind.ts";
import { reasonOf } from "./failures.ts";

interface Parts {
  readonly path: string;
  readonly changesPath: string;
  readonly library: Library;
  readonly disk: Disk;
  readonly logger: Logger;
}

/**
 * Brings the database and the record of its changes together, before anything is applied: after a
 * power cut the database may be further. `changes`: undefined where none are kept.
 */
export async function alignChanges(
  parts: Parts,
  changes: ChangesFile | undefined,
): Promise<void> {
  const { disk, path, library, logger, changesPath } = parts;
  if (changes === undefined) return await removeChanges(disk, changesPath);
  if (!await disk.exists(path) || !await disk.exists(changes.path)) return;
  await writeWalAgain(disk, changes.path);
  const recorded = await recordedIn(parts, changes.path);
  const position = positionAt(library, path);
  if (recorded === undefined || position === undefined) return;
  if (comparePositions(recorded, position) >= 0) return;
  const rewound = await rewindWal({ library, disk, path, position: recorded });
  const what = rewound
    ? `goes back to entry ${recorded.index}: what is behind is applied again`
    : "stays so, and the changes up to there are lost";
  const text = `Database ${path} is at entry ${position.index}, and its changes are recorded up ` +
    `to ${recorded.index} only; it ${what}`;
  logger.log(rewound ? "INFO" : "WARN", "store", text);
}

/** How far changes are recorded; a record that is damaged is begun anew. */
async function recordedIn(
  { disk, library, logger }: Parts,
  path: string,
): Promise<CommitPosition | undefined> {
  try {
    return recordedPosition(library, path);
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    const text = `Change log ${path} is damaged and begun anew: ${reasonOf(error)}`;
    logger.log("ERROR", "store", text);
    await removeChanges(disk, path);
    return undefined;
  }
}
