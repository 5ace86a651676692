/** What a job of the leader's needs to know of its node. */
export interface LeadingNode {
  readonly leads: boolean;
  readonly clusterId: string;
  readonly appliedIndex: number;
  /**
   * Resolves once a majority has confirmed who leads, and all that was committed by then is applied
   * here; rejects when there is none.
   */
  confirm(): Promise<void>;
  /** Whether a command may have been applied behind that index. */
  changedSince(index: number): Promise<boolean>;
}

/** What came of a backup's last check by a real restore. Times are in ms since 1970 UTC. */
export interface Verification {
  readonly time: number;
  /** The backup's id. */
  readonly id: number;
  readonly key: string;
  readonly durationMs: number;
  /** What is wrong, or why it could not be checked; undefined when it is sound. */
  readonly failure: string | undefined;
}

/** What this node has done of backups since it was started. Times are in ms since 1970 UTC. */
export interface AutoBackupFigures {
  readonly destination: string;
  readonly intervalMs: number;
  /** The id of the last one known to be there; 0 for none. */
  readonly lastIndex: number;
  /** Undefined before this node's first one. */
  readonly lastUploadTime: number | undefined;
  readonly lastUploadMs: number;
  readonly lastUploadBytes: number;
  readonly totalUploadBytes: number;
  readonly uploadsOk: number;
  readonly uploadsFailed: number;
  /** Times when no entry of the log had come since the last one. */
  readonly skippedUnchanged: number;
  /** Times when the database was the same as in the last one. */
  readonly skippedEqual: number;
  /** Times when the store could not say what it has. */
  readonly looksFailed: number;
  /** Failures in a row until now, and the last one's reason; undefined when the last try went well. */
  readonly failing: { readonly times: number; readonly message: string } | undefined;
  /** What is wrong with old backups that could not be removed. */
  readonly retentionFailure: string | undefined;
  readonly verification: Verification | undefined;
}

/** A backup that is remembered to be there. */
export interface SavedBackup {
  /** The index of the log up to which it goes. */
  readonly index: number;
  readonly key: string;
  /** ms since 1970 UTC. */
  readonly time: number;
  readonly bytes: number;
}

/** What came of a backup that somebody asked for. */
export type AskedBackup =
  | { readonly type: "made"; readonly backup: SavedBackup }
  /** Nothing has changed since the newest one. */
  | { readonly type: "unchanged" }
  /** This node does not lead, so that it makes none. */
  | { readonly type: "elsewhere" }
  | { readonly type: "failed"; readonly message: string };

/** The backups of a cluster, as they are remembered beside them. */
export interface SavedBackups {
  readonly destination: string;
  /** All that are remembered. */
  readonly count: number;
  /** The newest of them, the newest first. */
  readonly newest: readonly SavedBackup[];
  /** When one was last restored and found sound, in ms since 1970 UTC; 0 for never. */
  readonly verifiedAt: number;
  /** What is there, and is none of this cluster's. */
  readonly stranger: string | undefined;
}

/** What this node has done about -auto-restore. */
export interface AutoRestoreFigures {
  /** The backup is not in the cluster yet. */
  readonly pending: boolean;
  readonly restored: number;
  readonly failed: number;
  readonly skipped: number;
  readonly downloadsOk: number;
  readonly downloadsFailed: number;
  readonly downloadBytes: number;
}
