import type { WriteTrace } from "../node/types.ts";

/** Where a write comes from that is traced. */
export interface TraceOrigin {
  /** What this node does of it. */
  readonly name: string;
  /** Of who asks, in the form of https://www.w3.org/TR/trace-context/; undefined for none. */
  readonly traceparent: string | undefined;
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
  /** Undefined when this write is not to be traced, as most are not. */
  begin(origin: TraceOrigin): Trace | undefined;
}
