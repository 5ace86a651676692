import type { AppState } from "../app_state.ts";
import { jsonValue, largeBytesMin } from "../request_body.ts";

/** The JSON of a body, which a Worker reads if it is large. Throws a RequestError, or rejects with it. */
export function valueIn(app: AppState, body: Uint8Array): unknown | Promise<unknown> {
  return body.length > largeBytesMin ? app.bodyReader.value(body.slice()) : jsonValue(body);
}
