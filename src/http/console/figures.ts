import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { laidOut } from "../indent.ts";
import type { QueryParameters } from "../query_parameters.ts";
import { RequestError } from "../request_error.ts";
import { streamTypes } from "../streams/stream_form.ts";
import { figuresEveryMs } from "./figure_recorder.ts";
import { readersMax } from "./live_feed.ts";

/**
 * /debug/figures: this node's figures of the last hour, in rows; with `follow` as events, with the
 * rows to come and the state of all nodes.
 */
export function figures(app: AppState, admitted: AdmittedRequest<"none">): Response {
  const { parameters } = admitted;
  const after = afterIn(parameters);
  const { recorder, feed, answers } = app;
  if (parameters.has("follow")) {
    if (feed.isFull) {
      throw new RequestError(503, `Too many follow the figures: ${readersMax} may at a time`);
    }
    const followed = feed.follow(after, () => admitted.isStillAdmitted);
    const events = ReadableStream.from(followed).pipeThrough(new TextEncoderStream());
    return answers.endless(events, streamTypes.events);
  }
  const { names } = recorder.ring;
  const text = JSON.stringify({
    every_ms: figuresEveryMs,
    names: ["at", ...names],
    rows: recorder.ring.after(after),
  });
  return answers.json(laidOut(text, parameters.has("pretty")));
}

/** In ms since 1970. */
function afterIn(parameters: QueryParameters): number {
  const text = parameters.get("after") ?? "0";
  if (!/^\d{1,15}$/.test(text)) throw new RequestError(400, "after is not a time in ms since 1970");
  return Number(text);
}
