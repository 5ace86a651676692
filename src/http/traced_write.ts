import type { Trace, Tracing } from "../cluster/tracing.ts";
import { headerOf } from "./request_header.ts";
import type { Work } from "./data_work.ts";

/** What `write` comes to, which is told of if this write is to be traced. */
export async function traced<Result>(
  tracing: Tracing,
  { request, statements }: Pick<Work, "request" | "statements">,
  write: (trace: Trace | undefined) => Promise<Result>,
): Promise<Result> {
  const trace = tracing.begin(headerOf(request, "traceparent") ?? undefined, () => {
    const { pathname } = new URL(request.url);
    return {
      name: `${request.method} ${pathname}`,
      attributes: {
        "http.request.method": request.method,
        "url.path": pathname,
        "raftlite.statements": String(statements.length),
      },
    };
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
