import type { Clock, Disk, Logger, Random } from "../io/types.ts";
import type { Store } from "../store/types.ts";
import type { ArchiveFollower } from "./follower.ts";
import { decidePromotion, UndecidedError } from "./promotion.ts";
import type { StandbyRecord } from "./record.ts";
import {
  type PromoteOptions,
  type Promotion,
  PromotionError,
  type Standby,
  type StandbyFigures,
} from "./types.ts";

export interface StandbyNodeParts {
  readonly follower: ArchiveFollower;
  readonly store: Store;
  readonly directory: string;
  readonly record: StandbyRecord;
  readonly disk: Disk;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  /** It is promoted, durably: what is left can be done at any time. */
  readonly onPromoted: () => void;
}

/** A standby that follows until it is promoted. */
export class StandbyNode implements Standby {
  readonly #parts: StandbyNodeParts;
  #isAsked = false;
  #undecided: UndecidedError | undefined;

  constructor(parts: StandbyNodeParts) {
    this.#parts = parts;
  }

  get figures(): StandbyFigures {
    return this.#parts.follower.figures;
  }

  async promote(options: PromoteOptions): Promise<Promotion> {
    if (this.#undecided !== undefined) throw this.#undecided;
    if (this.#isAsked) throw new PromotionError("This standby is being promoted already");
    this.#isAsked = true;
    const { follower, logger } = this.#parts;
    logger.log("INFO", "standby", "Asked to promote: applying what the archive has");
    try {
      return await this.#promote(options);
    } catch (error) {
      if (error instanceof UndecidedError) {
        logger.log("ERROR", "standby", error.message);
        throw this.#undecided = error;
      }
      this.#isAsked = false;
      follower.start();
      throw error;
    }
  }

  async #promote({ timeoutMs, asIs }: PromoteOptions): Promise<Promotion> {
    const { follower, store, directory, record, logger, onPromoted } = this.#parts;
    const failure = await follower.finish(timeoutMs);
    const { index } = store.applied;
    if (index === 0) {
      throw new PromotionError(
        `This standby has no data yet${failure === undefined ? "" : `: ${failure}`}`,
      );
    }
    if (failure !== undefined) {
      if (!asIs) {
        throw new PromotionError(
          `This standby is at index ${index}, and may lack what the archive has beyond: ${failure}. To promote it with what it has, ask with as_is (raftlite promote -as-is)`,
        );
      }
      logger.log("WARN", "standby", `Promoted at index ${index} as it is: ${failure}`);
    }
    const { lastWriteTime, damage } = follower.figures;
    const position = await store.checkpoint();
    const { promoted } = await decidePromotion(this.#parts, directory, record, position);
    onPromoted();
    return {
      clusterId: promoted.clusterId,
      index: position.index,
      lastWriteTime,
      complete: failure === undefined,
      damage,
    };
  }
}
