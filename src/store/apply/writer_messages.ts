import type { LibraryLocation } from "../../sqlite/mod.ts";
import type { SlowOptions, SlowStatement } from "../statements/statement_meter.ts";
import type { ChangesFile } from "./write_connection.ts";
import type { AppliedPosition, UpkeepRecords } from "../types.ts";
import type { LoadVerdict } from "./load_checks.ts";
import type { RehearsedSteps } from "./rehearsing.ts";
import type { UpkeepRun } from "./upkeep.ts";

/** What the file is let go of for: the store's end, another file in its place, or a place aside. */
export type ReleasePurpose = "end" | "exchange" | "set_aside";

/** What the main thread asks of the writer; each is answered once, under its number. */
export type WriterRequest =
  | {
    readonly type: "open";
    readonly library: LibraryLocation;
    readonly path: string;
    readonly foreignKeys: boolean;
    readonly slow: SlowOptions | undefined;
    /** Where changes are recorded; undefined for nowhere. */
    readonly changes: ChangesFile | undefined;
  }
  | { readonly type: "apply"; readonly entries: Uint8Array<ArrayBuffer> }
  /** Runs a transaction on what is committed, up to `appliedIndex` at least. */
  | RehearsedSteps & { readonly type: "rehearse"; readonly appliedIndex: number }
  /** Takes that one back, if it is open. */
  | { readonly type: "give_up"; readonly id: number }
  /** Moves what is left in the WAL into the database file, as far as readers allow. */
  | { readonly type: "checkpoint"; readonly truncate: boolean }
  /** Empties the WAL and closes, so that the file stands for itself. */
  | { readonly type: "release"; readonly purpose: ReleasePurpose }
  | { readonly type: "status" }
  /** The answer to `check_load`. */
  | { readonly type: "load_checked"; readonly check: number; readonly verdict: LoadVerdict }
  /** Asks for the figures of statements. */
  | { readonly type: "statements" };

/** Those that have nothing to do with a transaction that is rehearsed, and leave it open. */
export const besideRehearsals: readonly WriterRequest["type"][] = ["statements", "load_checked"];

export interface WriterOpened {
  readonly position: AppliedPosition;
  readonly pageSize: number;
  readonly compileOptions: readonly string[];
  /** Whether the cluster is set to enforce them; undefined when its leader's flag says it. */
  readonly foreignKeys: boolean | undefined;
  /** Up to which index changes are delivered. */
  readonly delivered: number | undefined;
}

/** Answers of a batch, and how it left things. */
export interface WriterApplied {
  readonly answers: Uint8Array<ArrayBuffer>;
  readonly walFrames: number;
  /** As in WriterOpened, both. */
  readonly foreignKeys: boolean | undefined;
  /** How often statements may have changed the schema, or statistics, since it was opened. */
  readonly schemaChanges: number;
  readonly delivered: number | undefined;
}

export interface WriterStatus {
  readonly pageSize: number;
  readonly pageCount: number;
  readonly freelistCount: number;
  readonly statementsCached: number;
  readonly sessions: number;
  /** The file gives free pages back without a VACUUM, when asked. */
  readonly incrementalVacuum: boolean;
  readonly upkeep: UpkeepRecords;
}

export interface NumberedRequest {
  readonly id: number;
  readonly request: WriterRequest;
}

export type WriterReply =
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  /** To a mere question: that there is no answer now. */
  | { readonly type: "refused"; readonly id: number; readonly message: string }
  /** A batch waits for room on the disk; `message` is undefined when it goes on. */
  | { readonly type: "full"; readonly message: string | undefined }
  | { readonly type: "slow"; readonly statement: SlowStatement }
  | { readonly type: "upkeep"; readonly run: UpkeepRun }
  | { readonly type: "failed"; readonly message: string; readonly damaged: boolean }
  /** A load's file is whole, and to be checked and prepared beside the writer. */
  | { readonly type: "check_load"; readonly check: number; readonly file: string }
  /** A load wants its file to take the database's place: release, exchange the files, open again. */
  | { readonly type: "exchange"; readonly file: string };
