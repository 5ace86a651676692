import type { Clock } from "../io/types.ts";
import type { AutoBackupConfig } from "./config.ts";
import type { BackupRecord } from "./manifest.ts";

type Keeping = Pick<AutoBackupConfig, "keepCount" | "keepMs">;

/**
 * How long a backup must have been too old before it goes, in ms at most: a clock that is wrong, and
 * ahead by years, may be put right. By one that is never put right, all go but the newest.
 */
const graceMsMax = 3_600_000;

/** Which backups are to go, be they too many or too old; never the newest. */
export class Expiry {
  readonly #keeping: Keeping;
  readonly #clock: Pick<Clock, "now" | "wallTime">;
  /** Since when each is too old, by the monotonic clock. */
  #oldSince: ReadonlyMap<string, number> = new Map();

  constructor(keeping: Keeping, clock: Pick<Clock, "now" | "wallTime">) {
    this.#keeping = keeping;
    this.#clock = clock;
  }

  /** Those of `backups`, oldest first, that are to go now. */
  of(backups: readonly BackupRecord[]): BackupRecord[] {
    const { keepCount, keepMs } = this.#keeping;
    const now = this.#clock.now();
    const past = backups.slice(0, -1);
    const old = past.filter(({ time }) => keepMs > 0 && time < this.#clock.wallTime() - keepMs);
    const since = new Map(old.map(({ key }) => [key, this.#oldSince.get(key) ?? now]));
    this.#oldSince = since;
    const graceMs = Math.min(keepMs, graceMsMax);
    return past.filter(({ key }, at) => {
      const isSurplus = keepCount > 0 && at < backups.length - keepCount;
      return isSurplus || now - (since.get(key) ?? Infinity) >= graceMs;
    });
  }
}
