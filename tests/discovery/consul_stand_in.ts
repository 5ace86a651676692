interface Pair {
  value: string;
  session: string | undefined;
}

/**
 * A stand-in for Consul, for machines that have none: as much of its HTTP API for keys and sessions
 * as nodes use, in memory. Not Consul; what is tested with it is tested with a real one as well,
 * where `consul` is in the PATH.
 */
export class ConsulStandIn implements AsyncDisposable {
  readonly #pairs = new Map<string, Pair>();
  readonly #sessions = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** What each request had to show. */
  readonly tokens: (string | null)[] = [];
  readonly queries: URLSearchParams[] = [];

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get address(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** All sessions end, as when the nodes that made them are gone. */
  endSessions(): void {
    this.#sessions.clear();
    for (const [key, { session }] of this.#pairs) {
      if (session !== undefined) this.#pairs.delete(key);
    }
  }

  /** Every key is deleted. */
  clear(): void {
    this.#pairs.clear();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    this.tokens.push(request.headers.get("x-consul-token"));
    this.queries.push(searchParams);
    const [, version, area, ...rest] = pathname.split("/");
    if (version !== "v1") return new Response("No such API", { status: 404 });
    if (area === "session") return await this.#session(rest, request);
    const key = decodeURIComponent(rest.join("/"));
    if (request.method === "GET") return this.#get(key, searchParams);
    return request.method === "DELETE"
      ? Response.json(this.#pairs.delete(key))
      : this.#put(key, await request.text(), searchParams);
  }

  async #session([action, id = ""]: readonly string[], request: Request): Promise<Response> {
    if (action === "create") {
      const { TTL, Behavior } = await request.json();
      if (TTL !== "60s" || Behavior !== "delete") return new Response("Unknown", { status: 400 });
      const ID = crypto.randomUUID();
      this.#sessions.add(ID);
      return Response.json({ ID });
    }
    if (this.#sessions.has(id)) return Response.json([{ ID: id }]);
    return new Response(`Session id "${id}" not found`, { status: 404 });
  }

  #get(key: string, query: URLSearchParams): Response {
    const isOf = (known: string) => query.has("recurse") ? known.startsWith(key) : known === key;
    const found = [...this.#pairs].filter(([known]) => isOf(known));
    const [first] = found;
    if (first === undefined) return new Response(null, { status: 404 });
    if (query.has("raw")) return new Response(first[1].value);
    return Response.json(found.map(([Key, { value }]) => ({ Key, Value: btoa(value) })));
  }

  #put(key: string, value: string, query: URLSearchParams): Response {
    const known = this.#pairs.get(key);
    if (query.get("cas") === "0" && known !== undefined) return Response.json(false);
    const asked = query.get("acquire");
    if (asked !== null && !this.#sessions.has(asked)) {
      return new Response(`invalid session "${asked}"`, { status: 500 });
    }
    if (asked !== null && known?.session !== undefined && known.session !== asked) {
      return Response.json(false);
    }
    this.#pairs.set(key, { value, session: asked ?? known?.session });
    return Response.json(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
