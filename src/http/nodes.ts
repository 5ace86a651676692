import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { laidOut } from "./indent.ts";
import { goJson } from "../base/go_json.ts";
import { nodeJson } from "./node_report.ts";
import { clusterTimeout } from "./query_parameters.ts";

/** /nodes: who is in the cluster and can be reached. */
export async function nodes(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, info, service } = app;
  const reports = await service.nodes(clusterTimeout(parameters));
  const shown = reports
    .filter(({ member }) => member.suffrage === "voter" || parameters.has("nonvoters"))
    .sort((a, b) => (a.member.id < b.member.id ? -1 : 1));
  const text = parameters.get("ver") === "2"
    ? `{"nodes":[${shown.map((report) => nodeJson(report, info)).join(",")}]}`
    : `{${
      shown.map((report) => `${goJson(report.member.id)}:${nodeJson(report, info)}`).join(",")
    }}`;
  return answers.json(laidOut(text, parameters.has("pretty")));
}
