/** The ways in which results are shown. */
export const modes = ["column", "csv", "json", "line"] as const;
export type Mode = typeof modes[number];

/** The read consistency levels that the server knows. */
export const levels = ["none", "weak", "linearizable", "strong", "auto"] as const;
export type Level = typeof levels[number];

/** What the user may change with dot commands. */
export interface Settings {
  mode: Mode;
  level: Level;
  /** Blobs come as arrays of bytes, not in base64. */
  blobArray: boolean;
  /** The last insert ID is told after a write. */
  changes: boolean;
  /** Every statement goes through /db/execute. */
  forceWrites: boolean;
  /** The time that a statement took is told. */
  timer: boolean;
}

/** The settings that a shell begins with. */
export function initialSettings(mode: Mode): Settings {
  return {
    mode,
    level: "weak",
    blobArray: false,
    changes: false,
    forceWrites: false,
    timer: false,
  };
}

export function isMode(text: string): text is Mode {
  return modes.some((mode) => mode === text);
}

export function isLevel(text: string): text is Level {
  return levels.some((level) => level === text);
}
