import type { ByteReader } from "../base/bytes.ts";
import type { Clock } from "../io/types.ts";
import type { LeaderCalls } from "./leader_calls.ts";
import { type MadeBackup, ServiceError } from "./types.ts";
import { beginAnswer, RequestKind } from "./wire.ts";

/** How long whoever asks waits for one: uploads of large databases take minutes. */
const makingMs = 600_000;

interface Parts {
  readonly clock: Clock;
  readonly calls: () => LeaderCalls;
}

/** Resolves with undefined when nothing has changed since the newest; throws a ServiceError. */
type MakeBackup = () => Promise<MadeBackup | undefined>;

/** Backups that somebody asks of any node, and that the leader makes. */
export class AskedBackups {
  readonly #parts: Parts;
  #make: MakeBackup | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Has those that are asked of this node made so. */
  serve(make: MakeBackup): void {
    this.#make = make;
  }

  async make(): Promise<MadeBackup | undefined> {
    const { clock, calls } = this.#parts;
    const deadline = clock.now() + makingMs;
    const nothing = () => new Uint8Array();
    return readMade(await calls().atLeader(RequestKind.backUp, nothing, deadline));
  }

  /** The leader's side. */
  async handle(): Promise<Uint8Array> {
    if (this.#make === undefined) {
      throw new ServiceError(
        "failed",
        "the leader makes no backups by itself: start each node with -auto-backup",
      );
    }
    const made = await this.#make();
    const answer = beginAnswer();
    answer.integer(made === undefined ? 0 : 1);
    if (made !== undefined) {
      answer.text(made.key);
      for (const number of [made.index, made.time, made.bytes]) answer.integer(number);
    }
    return answer.copy();
  }
}

function readMade(reader: ByteReader): MadeBackup | undefined {
  if (reader.integer() === 0) return undefined;
  const key = reader.text();
  const index = reader.integer();
  const time = reader.integer();
  return { key, index, time, bytes: reader.integer() };
}
