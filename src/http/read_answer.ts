import type { Statement } from "../store/types.ts";
import type { AppState } from "./app_state.ts";
import { answerFormat, elapsed, readLevel, statementTimeout } from "./data_request.ts";
import { resultsEnvelope } from "./envelope.ts";
import type { QueryParameters } from "./query_parameters.ts";

/** Reads at the level that the client asked for and answers with the results. */
export async function answerRead(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
  statements: readonly Statement[],
  { unified, startedAt }: { unified: boolean; startedAt: number },
): Promise<Response> {
  const level = readLevel(parameters);
  if (level.level !== "none") {
    const redirect = app.redirect(request, parameters);
    if (redirect !== undefined) return redirect;
  }
  const read = {
    statements,
    transaction: parameters.has("transaction"),
    format: answerFormat(parameters, unified),
    timeoutMs: statementTimeout(parameters),
  };
  const answer = await app.disconnects.run(
    request,
    (signal) => app.service.read(read, level, signal),
  );
  const envelope = resultsEnvelope(answer.results, {
    timeSeconds: elapsed(parameters, startedAt),
    raftIndex: parameters.has("raft_index") ? answer.raftIndex : 0,
  }, parameters.has("pretty"));
  return app.answers.results(envelope, undefined);
}
