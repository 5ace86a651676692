/** What an event says. */
export interface CdcEvent {
  readonly op?: string;
  readonly table?: string;
  readonly new_row_id?: number;
  readonly old_row_id?: number;
  readonly before?: Record<string, unknown>;
  readonly after?: Record<string, unknown>;
  readonly error?: string;
}

export interface CdcGroup {
  readonly index: number;
  readonly commit_timestamp: number;
  readonly events: readonly CdcEvent[];
}

export interface CdcMessage {
  readonly node_id: string;
  readonly service_id?: string;
  readonly payload: readonly CdcGroup[];
}

/** What changes are delivered to: takes them, or does as `answer` says. */
export class CdcReceiver {
  readonly bodies: string[] = [];
  readonly headers: Headers[] = [];
  /** Undefined: 200, and the message counts. */
  answer: ((request: Request) => Promise<Response> | Response) | undefined;
  /** Requests that were not taken. */
  refused = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        const body = await request.text();
        if (this.answer !== undefined) {
          this.refused++;
          return await this.answer(request);
        }
        this.bodies.push(body);
        this.headers.push(request.headers);
        return new Response();
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/cdc?x=1`;
  }

  get groups(): CdcGroup[] {
    return this.bodies.flatMap((body) => (JSON.parse(body) as CdcMessage).payload);
  }

  get events(): CdcEvent[] {
    return this.groups.flatMap(({ events }) => events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
