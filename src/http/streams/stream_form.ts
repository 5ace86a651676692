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

/** A message with a name, whose JSON says by itself what it is, and where its reader then stands. */
export function messageText(
  form: StreamForm,
  { id, event, data }: { readonly id: string; readonly event: string; readonly data: string },
): string {
  return form === "lines" ? `${data}\n` : `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}

/** That there is no news: its id is taken by EventSource, which tells its program nothing of it. */
export function heartbeatText(
  form: StreamForm,
  { id, data }: { readonly id: string; readonly data: string },
): string {
  return form === "lines" ? `${data}\n` : `id: ${id}\n: no news\n\n`;
}

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
