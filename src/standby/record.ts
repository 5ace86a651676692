import type { Disk } from "../io/types.ts";
import { readText, writeFileAtomically } from "../member/atomic_file.ts";
import { StartError } from "../member/start_error.ts";

/** What a standby is promoted to. */
export interface PromotedTo {
  readonly clusterId: string;
  /** Of its first node: 8 hex digits. */
  readonly incarnation: string;
  /** The entry behind which its log begins. */
  readonly index: number;
  readonly term: number;
  /** The directory is a node's: nothing is left to do. */
  readonly finished?: true;
}

/** What a data directory is to its archive; kept in `standby.json`. */
export interface StandbyRecord {
  readonly version: 1;
  /** The cluster whose archive it follows. */
  readonly cluster: string;
  /** Set once it is, or is being, a cluster of its own. */
  readonly promoted?: PromotedTo;
}

function recordPath(directory: string): string {
  return `${directory}/standby.json`;
}

/** Undefined for a directory that no standby has used. Throws a StartError for what cannot be read. */
export async function readStandbyRecord(
  disk: Disk,
  directory: string,
): Promise<StandbyRecord | undefined> {
  const path = recordPath(directory);
  const text = await readText(disk, path);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text);
    if (value?.version === 1 && typeof value.cluster === "string") return value;
  } catch {
    // Said below.
  }
  throw new StartError(
    `${path} is damaged, or of another version of raftlite: empty ${directory}, and let the standby begin again`,
  );
}

export async function writeStandbyRecord(
  disk: Disk,
  directory: string,
  record: StandbyRecord,
): Promise<void> {
  await writeFileAtomically(disk, recordPath(directory), `${JSON.stringify(record, null, 2)}\n`);
}
