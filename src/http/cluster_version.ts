import { ServiceError } from "../cluster/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";

/** /upgrade: GET shows which versions of clusters the nodes understand, POST raises the cluster's. */
export async function upgrade(
  app: AppState,
  { request }: AdmittedRequest<"none">,
): Promise<Response> {
  return request.method === "POST" ? await raise(app) : await show(app);
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

async function raise({ answers, service }: AppState): Promise<Response> {
  try {
    return answers.json(`${JSON.stringify({ version: await service.upgrade() })}\n`);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== "failed") throw error;
    return answers.error(409, error.message);
  }
}
