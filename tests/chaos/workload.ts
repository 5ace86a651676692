import type { Prng } from "../../src/base/prng.ts";
import type { NodeProcess } from "../cluster/harness.ts";
import type { Report } from "./report.ts";
import type { SqlStatement } from "./request.ts";

/** Where a client is, for one step. */
export interface Site {
  /** The node that it has stayed with for a while. */
  readonly home: NodeProcess;
  /** Any node, at each call another one. */
  readonly any: () => NodeProcess;
  readonly random: Prng;
}

/** The database when all is over, as every node has it. */
export type FinalRead = (sql: SqlStatement) => Promise<readonly (readonly unknown[])[]>;

/** One kind of clients, and what they may rely on. */
export interface Workload {
  readonly name: string;
  /** What must be there before. */
  readonly setup: readonly SqlStatement[];
  /** How many clients of this kind there are. */
  readonly clients: number;
  /** What one client does next. RequestFailed is no matter when it is thrown. */
  once(site: Site, client: number): Promise<void>;
  /** Notes what does not hold of all that was seen. */
  check(read: FinalRead): Promise<void>;
  /** To be kept when something does not hold. */
  readonly history: unknown;
}

/** What workloads share. */
export interface WorkloadParts {
  readonly report: Report;
  /** Later than all before it, each time. */
  readonly moment: () => number;
}
