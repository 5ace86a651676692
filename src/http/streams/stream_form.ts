import type { QueryParameters } from "../query_parameters.ts";
import { RequestError } from "../request_error.ts";

/**
 * How a stream is written: as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html) or as lines of JSON.
 */
export type StreamForm = "events" | "lines";

export const streamTypes: Readonly<Record<StreamForm, string>> = {
  events: "text/event-stream; charset=utf-8",
  lines: "application/x-ndjson; charset=utf-8",
};

/** Throws a RequestError. */
export function streamForm(
  parameters: QueryParameters,
  accept: string | null | undefined,
): StreamForm {
  const asked = parameters.get("format");
  if (asked === undefined) {
    return /\b(x-ndjson|jsonl|json-seq)\b/.test(accept ?? "") ? "lines" : "events";
  }
  if (asked === "ndjson") return "lines";
  if (asked === "sse") return "events";
  throw new RequestError(400, "format is neither sse nor ndjson");
}
