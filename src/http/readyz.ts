import { messageOf } from "../base/message_of.ts";
import type { SqliteStanding } from "../cluster/types.ts";
import { plainFormat } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { standbyReadiness } from "./standby.ts";
import { clusterTimeout } from "./query_parameters.ts";

/** /readyz: whether this node can serve, a line for every check, the last one being what failed. */
export async function readyz(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, info, service } = app;
  const { health, sqlite } = service.status();
  const lines = ["[+]node ok", ...sqliteLines(sqlite)];
  const answer = (status: number, line?: string) =>
    answers.text(status, [...lines, ...(line === undefined ? [] : [line])].join("\n"));
  if (parameters.has("noleader")) return answer(200);

  if (info.standby !== undefined) {
    const readiness = standbyReadiness(info.standby.figures);
    lines.push(...readiness.lines);
    return answer(readiness.isReady ? 200 : 503);
  }
  if (service.leader() === undefined) return answer(503, "[+]leader does not exist");
  lines.push("[+]leader ok");

  if (health !== "ok") return answer(503, `[+]store not ready: ${health}`);
  if (info.restore?.().pending) {
    return answer(503, "[+]store not ready: auto-restore is not over");
  }
  lines.push("[+]store ok");

  const timeoutMs = clusterTimeout(parameters);
  if (parameters.has("sync")) {
    try {
      await service.sync(timeoutMs);
    } catch (error) {
      return answer(503, `[+]sync ${messageOf(error)}`);
    }
    lines.push("[+]sync ok");
  }

  const problem = await databaseProblem(app, timeoutMs);
  if (problem !== undefined) return answer(503, `[+]db not ok: ${problem}`);
  return answer(200, "[+]db ok");
}

/** Beside rqlite's lines, and no failure by themselves: a node that is cut off has no leader either. */
function sqliteLines({ mismatchPermitted, mismatches }: SqliteStanding): string[] {
  const lines = mismatches.map(({ id, address, refused, differences }) => {
    const standing = refused ? "refused" : "permitted";
    const what = differences.join("; ");
    return `[-]sqlite of node ${id} at ${address} is another, ${standing}: ${what}`;
  });
  if (mismatchPermitted && lines.length === 0) {
    lines.push("[+]sqlite may differ by -allow-sqlite-mismatch, and does not");
  }
  return lines;
}

async function databaseProblem(app: AppState, timeoutMs: number): Promise<string | undefined> {
  try {
    const { results } = await app.service.read({
      statements: [{ sql: "SELECT 1" }],
      transaction: false,
      format: plainFormat,
      timeoutMs,
    }, { level: "none", freshnessMs: 0, freshnessStrict: false, timeoutMs });
    const text = await new Response(new Uint8Array(await bytesOf(results))).text();
    return text.includes('"values":[[1]]') ? undefined : text;
  } catch (error) {
    return messageOf(error);
  }
}

async function bytesOf(results: Uint8Array | ReadableStream<Uint8Array>): Promise<Uint8Array> {
  if (results instanceof Uint8Array) return results;
  return new Uint8Array(
    await new Response(results as ReadableStream<Uint8Array<ArrayBuffer>>)
      .arrayBuffer(),
  );
}
