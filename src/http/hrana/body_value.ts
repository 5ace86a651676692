import { joinInSlices } from "../../base/slices.ts";
import type { AppState } from "../app_state.ts";
import { nextTurn } from "../next_turn.ts";
import { jsonValue, largeBytesMin } from "../request_body.ts";

/** The JSON of a body, which a Worker reads if it is large. Throws a RequestError. */
export async function valueIn(app: AppState, body: Uint8Array): Promise<unknown> {
  if (body.length <= largeBytesMin) return jsonValue(body);
  // The Worker takes over what it is given.
  return await app.bodyReader.value(await joinInSlices([body], nextTurn));
}
