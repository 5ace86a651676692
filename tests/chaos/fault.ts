import type { Prng } from "../../src/base/prng.ts";
import type { Gate } from "./gate.ts";
import type { Nodes } from "./nodes.ts";
import type { Report } from "./report.ts";
import type { WebhookCopy } from "./webhook_copy.ts";

/** What a fault is done to. */
export interface Scene {
  readonly nodes: Nodes;
  readonly gate: Gate;
  readonly report: Report;
  readonly webhook: WebhookCopy;
  /** How many elements are known to be in the database by now. */
  readonly acknowledged: () => readonly number[];
}

export interface FaultParts {
  readonly scene: Scene;
  readonly random: Prng;
  readonly lastsMs: number;
  /** Waits that long, or until the round is over. */
  readonly pause: (ms: number) => Promise<void>;
}

/** Does it, and mends it; false when it could not be done now. */
export type Fault = (parts: FaultParts) => Promise<boolean>;
