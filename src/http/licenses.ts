import type { AppState } from "./app_state.ts";

/** /licenses: the licence of this program and those of what it is made of. */
export function licenses({ answers, info }: AppState, request: Request): Response {
  return request.method === "GET" ? answers.text(200, info.licenses) : answers.text(405, "");
}
