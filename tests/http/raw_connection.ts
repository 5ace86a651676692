const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A connection for bytes of any kind. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.TcpConn | Deno.TlsConn;
  #received = "";

  private constructor(connection: Deno.TcpConn | Deno.TlsConn) {
    this.#connection = connection;
  }

  /** @param address `host:port`. */
  static async open(address: string): Promise<RawConnection> {
    const [hostname = "", port] = address.split(":");
    return new RawConnection(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** Over TLS, its handshake done. */
  static async openTls(
    address: string,
    options: { caCerts: string[]; cert: string; key: string } | { caCerts: string[] },
  ): Promise<RawConnection> {
    const [hostname = "", port] = address.split(":");
    const connection = await Deno.connectTls({ hostname, port: Number(port), ...options });
    await connection.handshake();
    return new RawConnection(connection);
  }

  async send(text: string): Promise<void> {
    for (let rest = encoder.encode(text); rest.length > 0;) {
      rest = rest.subarray(await this.#connection.write(rest));
    }
  }

  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  /** All that comes until the server ends the connection. */
  async rest(): Promise<string> {
    while (await this.#more()) { /* Until the end. */ }
    return this.#received;
  }

  /** The next answer that is final; its body by its length, by its chunks or to the end. */
  async answer(): Promise<RawAnswer> {
    const head = await this.#until("\r\n\r\n");
    const [statusLine = "", ...lines] = head.split("\r\n");
    const status = Number(statusLine.split(" ")[1]);
    if (status < 200) return await this.answer();
    const headers = new Headers(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    return { status, headers, body: await this.#body(headers, status) };
  }

  async #body(headers: Headers, status: number): Promise<string> {
    if (status === 204 || status === 304) return "";
    if (headers.get("transfer-encoding") === "chunked") {
      let body = "";
      for (;;) {
        const length = parseInt(await this.#until("\r\n"), 16);
        body += await this.#take(length);
        await this.#until("\r\n");
        if (length === 0) return body;
      }
    }
    const length = headers.get("content-length");
    return length === null ? await this.rest() : await this.#take(Number(length));
  }

  async #until(end: string): Promise<string> {
    while (!this.#received.includes(end)) await this.#expectMore();
    const at = this.#received.indexOf(end);
    const text = this.#received.slice(0, at);
    this.#received = this.#received.slice(at + end.length);
    return text;
  }

  async #take(length: number): Promise<string> {
    while (this.#received.length < length) await this.#expectMore();
    const text = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return text;
  }

  async #expectMore(): Promise<void> {
    if (!await this.#more()) throw new Error(`Connection ended after "${this.#received}"`);
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    const length = await this.#connection.read(chunk).catch((error) => {
      // TLS was not told of the end.
      if (error instanceof Deno.errors.UnexpectedEof) return null;
      throw error;
    });
    if (length === null) return false;
    this.#received += decoder.decode(chunk.subarray(0, length));
    return true;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
