import type { WriteTrace } from "../node/types.ts";

/** What is told of a write that is traced. */
export interface TracedWork {
  /** What this node does of it. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What one node does of a traced write. */
export interface Trace extends WriteTrace {
  /** For whoever does another part of it. */
  readonly traceparent: string;
  /** To be called once. */
  end(error?: unknown): void;
}

/** Traces writes, where that is wanted. */
export interface Tracing {
  /**
   * Undefined when this write is not to be traced, as most are not: `describe` is called for others
   * only.
   *
   * @param traceparent Of who asks, in the form of https://www.w3.org/TR/trace-context/; undefined for none.
   */
  begin(traceparent: string | undefined, describe: () => TracedWork): Trace | undefined;
}
