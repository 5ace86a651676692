import {
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { messageOf } from "../../base/message_of.ts";
import type { Clock, Random } from "../../io/types.ts";
import { within } from "../../io/within.ts";
import type { Trace, TracedWork, Tracing } from "../../cluster/tracing.ts";
import { spanExporter } from "./exporter.ts";
import { resourceOf } from "./resource.ts";
import type { OtlpOptions, OtlpSource } from "./types.ts";

/** How long spans wait for others, in ms, and how many may wait: beyond that they are dropped. */
const delayMs = 1_000;
const waitingMax = 4_096;
/** What is drawn from for each write, for a ratio of them. */
const drawn = 2 ** 32;
/** How long the last ones may hold up a node that stops, in ms. */
const lastPushMs = 2_000;

export interface OtlpTracerParts extends OtlpSource {
  readonly clock: Clock;
  readonly random: Random;
  /** Of writes that nobody traces already: the part that is traced. */
  readonly ratio: number;
}

/**
 * Traces writes, and pushes what comes of that to a collector: those whose client has a trace that is
 * recorded, and of the others a part.
 */
export class OtlpTracer implements Tracing {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ratio: number;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor(options: OtlpOptions, parts: OtlpTracerParts) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#ratio = parts.ratio;
    this.#provider = new TracerProvider({
      resource: resourceOf(parts),
      sampler: new AlwaysOnSampler(),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: spanExporter(options),
          scheduledDelayMillis: delayMs,
          maxQueueSize: waitingMax,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer("raftlite", parts.version);
  }

  begin(traceparent: string | undefined, describe: () => TracedWork): Trace | undefined {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    // Not left to a sampler: it would be asked with a span made for each write.
    const wanted = parent === undefined
      ? this.#random.below(drawn) < this.#ratio * drawn
      : (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
    if (!wanted) return undefined;
    const { name, attributes } = describe();
    const context = parent === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, parent);
    const startTime = this.#clock.wallTime();
    const options = { kind: SpanKind.SERVER, startTime, attributes };
    const span = this.#tracer.startSpan(name, options, context);
    return new SpanTrace(span, this.#tracer, this.#clock);
  }

  async stop(): Promise<void> {
    await within(this.#clock, lastPushMs, this.#provider.shutdown().catch(() => {}));
  }
}

class SpanTrace implements Trace {
  readonly #span: Span;
  readonly #tracer: Tracer;
  /** What the wall clock is ahead of the node's, in ms. */
  readonly #aheadMs: number;
  readonly #clock: Clock;

  constructor(span: Span, tracer: Tracer, clock: Clock) {
    this.#span = span;
    this.#tracer = tracer;
    this.#clock = clock;
    this.#aheadMs = clock.wallTime() - clock.now();
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  }

  part(name: string, since: number, until: number): void {
    const context = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.#tracer.startSpan(name, { startTime: since + this.#aheadMs }, context)
      .end(until + this.#aheadMs);
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    }
    this.#span.end(this.#clock.now() + this.#aheadMs);
  }
}

const pattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** https://www.w3.org/TR/trace-context/#traceparent-header; undefined for what is none. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags = "0"] = pattern.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true };
}
