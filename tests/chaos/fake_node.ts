import type { NodeProcess } from "../cluster/harness.ts";

/** What the judges take for a node, and which says what it is told to. */
export class FakeNode implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param answer A text, or what is to be JSON; each with an index of the log that grows. */
  constructor(answer: (path: string) => unknown) {
    let index = 0;
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      const { pathname, search } = new URL(request.url);
      const body = answer(pathname + search);
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return new Response(text, { headers: { "x-raftlite-index": String(++index) } });
    });
  }

  get process(): NodeProcess {
    const { port } = this.#server.addr;
    return { id: "fake", url: `http://127.0.0.1:${port}`, running: true } as unknown as NodeProcess;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
