import type { Trace, Tracing } from "../cluster/tracing.ts";
import type { RunningWork } from "./running_requests.ts";

/** What `write` comes to, which is told of if this write is to be traced. */
export async function traced<Result>(
  tracing: Tracing,
  { request, statements }: RunningWork,
  write: (trace: Trace | undefined) => Promise<Result>,
): Promise<Result> {
  const { pathname } = new URL(request.url);
  const trace = tracing.begin({
    name: `${request.method} ${pathname}`,
    traceparent: request.headers.get("traceparent") ?? undefined,
    attributes: {
      "http.request.method": request.method,
      "url.path": pathname,
      "raftlite.statements": String(statements.length),
    },
  });
  try {
    const result = await write(trace);
    trace?.end();
    return result;
  } catch (error) {
    trace?.end(error);
    throw error;
  }
}
