/** A server that speaks just enough of the HTTP API for a benchmark to run against it. */
export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  /** Path and decoded query of every request, in the order that they came. */
  readonly requests: string[];
}

/** Starts one on a free port; `answer` may replace the body of an answer to a single insert. */
export function startFakeServer(answer?: (path: string) => Response | undefined): FakeServer {
  const requests: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const url = new URL(request.url);
      const body = await request.text();
      const path = url.pathname + decodeURIComponent(url.search);
      requests.push(path);
      const isSetup = path.includes("count(*)") || /(CREATE|DROP) TABLE/.test(body);
      return (isSetup ? undefined : answer?.(path)) ?? defaultAnswer(path);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

function defaultAnswer(path: string): Response {
  if (path === "/db/begin") return new Response('{"tx":"fake"}');
  if (path.includes("count(*)")) return new Response('{"results":[{"values":[[1000]]}]}');
  if (path.includes("WHERE id")) return new Response('{"results":[{"values":[[1,"a",2]]}]}');
  // A body that is a stream goes out in chunks, as large results do.
  if (path.includes("SELECT")) return new Response(ReadableStream.from(manyRows()));
  return new Response('{"results":[{"last_insert_id":1,"rows_affected":1}]}');
}

function* manyRows(): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode('{"results":[{"values":[');
  for (let i = 0; i < 50; i++) yield encoder.encode(`[${i},"name ${i}"],`.repeat(20));
  yield encoder.encode('[0,""]]}]}');
}
