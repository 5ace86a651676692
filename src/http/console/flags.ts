import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { laidOut } from "../indent.ts";

/** /debug/flags: this node's flags as they count, without what may be secret in them. */
export function flags(
  { info, answers }: AppState,
  { parameters }: AdmittedRequest<"none">,
): Response {
  const text = JSON.stringify({ flags: info.flags ?? [] });
  return answers.json(laidOut(text, parameters.has("pretty")));
}
