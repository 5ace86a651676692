import { ProfilerBusyError } from "./profiler.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import { jsonContentType } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { RequestError } from "./request_error.ts";

/** In seconds; Go's pprof takes half a minute where nothing is said. */
const secondsDefault = 30;
const secondsMax = 300;

/** Of heaps beyond this, in bytes, no snapshot is made: it would take as much again twice, and half a minute. */
const heapBytesMax = 1 << 30;

const index = `Profiles of this node's main thread, for the developer tools of Chrome:

profile?seconds=30  where processor time goes: open the .cpuprofile in Performance
allocs?seconds=30   which functions allocate what stays: open the .heapprofile in Memory
heap                all objects with their contents: open the .heapsnapshot in Memory.
                    The node stands still for about two seconds for each 100 MB of heap; at a
                    leader only with &force. Asks for the permission backup besides status.
`;

/** /debug/pprof/: what profiles there are; 404 for others, in Go's words. */
export function profileIndex(app: AppState, { request }: AdmittedRequest<"none">): Response {
  const { pathname } = new URL(request.url);
  if (!/\/pprof\/?$/.test(pathname)) throw new RequestError(404, "Unknown profile");
  return app.answers.text(200, index);
}

/** /debug/pprof/profile: a .cpuprofile. Ends when its client goes away. */
export function processorProfile(
  app: AppState,
  { request, parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const ms = durationMs(parameters);
  return taken(app, "cpuprofile", () => app.profiler.processor(ms, request.signal));
}

/** /debug/pprof/allocs: a .heapprofile. */
export function allocationProfile(
  app: AppState,
  { request, parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const ms = durationMs(parameters);
  return taken(app, "heapprofile", () => app.profiler.allocations(ms, request.signal));
}

/** /debug/pprof/heap: a .heapsnapshot. Whoever has it has what passed through the node's memory. */
export function heapSnapshot(
  app: AppState,
  { parameters, audited }: AdmittedRequest<"none">,
): Promise<Response> {
  if (parameters.has("debug")) {
    throw new RequestError(400, "debug is Go's: here a heap is a snapshot for Chrome's tools");
  }
  const { id, configuration: { members } } = app.service.status();
  const voters = members.filter(({ suffrage }) => suffrage === "voter").length;
  if (!parameters.has("force") && app.service.leader()?.id === id && voters > 1) {
    throw new RequestError(
      409,
      "this node leads and would stand still for seconds: ask a follower, hand over the lead " +
        "by POST /leader, or add force",
    );
  }
  const { heapUsed } = Deno.memoryUsage();
  if (heapUsed > heapBytesMax) {
    throw new RequestError(
      409,
      `the heap has ${heapUsed} bytes, snapshots are made up to ${heapBytesMax}: ` +
        "/debug/pprof/allocs says what allocates",
    );
  }
  audited?.note({ bytes: heapUsed });
  return taken(app, "heapsnapshot", async () => streamOf(await app.profiler.heap()));
}

async function taken(
  app: AppState,
  extension: string,
  take: () => Promise<BodyInit>,
): Promise<Response> {
  let body: BodyInit;
  try {
    body = await take();
  } catch (error) {
    if (error instanceof ProfilerBusyError) {
      throw new RequestError(409, "a profile is being taken already: ask again when it is there");
    }
    throw error;
  }
  const response = app.answers.bytes(body, jsonContentType);
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
  response.headers.set(
    "content-disposition",
    `attachment; filename="raftlite-${time}.${extension}"`,
  );
  return response;
}

function durationMs(parameters: QueryParameters): number {
  const text = parameters.get("seconds") ?? String(secondsDefault);
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds <= 0 || seconds > secondsMax) {
    throw new RequestError(400, `seconds is not a number above 0 and up to ${secondsMax}`);
  }
  return seconds * 1000;
}

/** Part by part, so that the text of all of it is nowhere twice. */
function streamOf(parts: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  parts.reverse();
  return new ReadableStream({
    pull: (controller) => {
      const part = parts.pop();
      if (part === undefined) controller.close();
      else controller.enqueue(encoder.encode(part));
    },
  });
}
