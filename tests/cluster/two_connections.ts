import { whyAlone } from "../../src/http/shared_port.ts";
import { type RawAnswer, RawConnection } from "../http/raw_connection.ts";
import { eventually, type NodeProcess } from "./harness.ts";

/** Where this Deno, or system, can have several, be it to ask clients for certificates. */
export function threadsTest(name: string, fn: () => Promise<void>, forCertificates = false): void {
  Deno.test({ name, ignore: whyAlone({ forCertificates }) !== undefined, fn });
}

interface ThreadStatus {
  readonly connections: number;
  readonly reads_served: number;
  readonly writes_read: number;
  readonly requests_passed_on: number;
}

async function threads(node: NodeProcess): Promise<readonly ThreadStatus[]> {
  const { body } = await node.fetch("/status?key=http.threads");
  return JSON.parse(body).beside;
}

export async function sum(node: NodeProcess, figure: keyof ThreadStatus): Promise<number> {
  return (await threads(node)).reduce((sum, thread) => sum + thread[figure], 0);
}

export function served(node: NodeProcess): Promise<number> {
  return sum(node, "reads_served");
}

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: string;
}

export function bytesOf({ method = "POST", path, body = "", headers = "" }: Asked): string {
  const bytes = new TextEncoder().encode(body).length;
  const length = bytes === 0 ? "" : `Content-Length: ${bytes}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}${length}\r\n${body}`;
}

export async function ask(connection: RawConnection, asked: Asked): Promise<RawAnswer> {
  await connection.send(bytesOf(asked));
  return await connection.answer();
}

/** Refused by the main thread in any case, but read by the one that has its connection, however slow. */
const refusedWrite: Asked = {
  path: "/db/execute",
  body: '["SELECT 1"]',
  headers: 'Idempotency-Key: "no key\r\n',
};

export type TlsOptions = Parameters<typeof RawConnection.openTls>[1];

/** Two connections, of which the main thread has the one, and another thread the other. */
export class TwoConnections implements Disposable {
  #isClosed = false;

  private constructor(readonly main: RawConnection, readonly other: RawConnection) {}

  /**
   * @param tls Who is believed over TLS, and what is shown there; undefined for plain HTTP.
   * @param headers Of somebody who may write, where there are users.
   */
  static async open(node: NodeProcess, tls?: TlsOptions, headers = ""): Promise<TwoConnections> {
    let main: RawConnection | undefined;
    let other: RawConnection | undefined;
    const address = `127.0.0.1:${node.httpPort}`;
    // The system gives each connection to one of them by chance.
    const both = await eventually("connections to two threads", async () => {
      const connection = tls === undefined
        ? await RawConnection.open(address)
        : await RawConnection.openTls(address, tls);
      const refused = { ...refusedWrite, headers: `${refusedWrite.headers}${headers}` };
      // The other thread has to hear first who that is, where that has to be known.
      if (headers !== "") await ask(connection, refused);
      const before = await sum(node, "writes_read");
      await ask(connection, refused);
      const isOther = await sum(node, "writes_read") > before;
      if (isOther && other === undefined) other = connection;
      else if (!isOther && main === undefined) main = connection;
      else connection[Symbol.dispose]();
      return main !== undefined && other !== undefined ? { main, other } : undefined;
    });
    return new TwoConnections(both.main, both.other);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.main[Symbol.dispose]();
    this.other[Symbol.dispose]();
  }
}
