import { NatsSink } from "../../src/cdc/nats.ts";

const encoder = new TextEncoder();

/** A sink that sends to that endpoint, with a test's patience. */
export function sinkOf(
  endpoint: string,
  options: Partial<ConstructorParameters<typeof NatsSink>[0]> = {},
): NatsSink & Disposable {
  const sink = new NatsSink({
    ...{ endpoint, subject: "raftlite.changes", timeoutMs: 120_000, serviceId: "svc" },
    ...{ tls: undefined, credentials: undefined },
    ...options,
  });
  return Object.assign(sink, { [Symbol.dispose]: () => sink.close() });
}

/** A message of these parts. */
export function messageOf(...parts: [id: string, table: string | undefined, text: string][]) {
  return {
    bytes: encoder.encode(""),
    parts: parts.map(([id, table, text]) => ({ id, table, bytes: encoder.encode(text) })),
  };
}
