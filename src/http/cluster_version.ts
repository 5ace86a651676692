import { ServiceError } from "../cluster/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";

/** /upgrade: GET shows which versions of clusters the nodes understand, POST raises the cluster's. */
export async function upgrade(
  app: AppState,
  admitted: AdmittedRequest<"none">,
): Promise<Response> {
  return admitted.request.method === "POST" ? await raise(app, admitted) : await show(app);
}

async function show({ answers, service }: AppState): Promise<Response> {
  const { version, newest, nodes } = await service.versions();
  const report = {
    version,
    newest,
    can_be_raised: version < newest && nodes.every((node) => (node.newest ?? 0) >= newest),
    nodes: Object.fromEntries(
      nodes.map(({ id, address, newest, error }) => [id, { addr: address, newest, error }]),
    ),
  };
  return answers.json(`${JSON.stringify(report, null, 2)}\n`);
}

async function raise(
  app: AppState,
  { audited, requester }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, service } = app;
  audited?.note({ forwarded_to: app.forwardedTo() });
  try {
    const version = await service.upgrade(requester);
    audited?.note({ version });
    return answers.json(`${JSON.stringify({ version })}\n`);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== "failed") throw error;
    audited?.note({ reason: error.message });
    return answers.error(409, error.message);
  }
}
