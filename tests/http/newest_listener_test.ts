import assert from "node:assert/strict";
import { listenersOn } from "../../src/http/listening_sockets.ts";
import { preferNewestListener } from "../../src/http/newest_listener.ts";

const hostname = "127.0.0.1";

/** A listener that shares its port, and counts the connections that it gets. */
class Counting {
  readonly listener: Deno.TcpListener;
  count = 0;
  readonly #onAccept: () => void;

  constructor(port: number, onAccept: () => void) {
    const options: Deno.TcpListenOptions & { readonly reusePort: boolean } = {
      ...{ hostname, port },
      reusePort: true,
    };
    this.listener = Deno.listen(options);
    this.#onAccept = onAccept;
    // Ends when the listener is closed.
    this.#accept().catch(() => {});
  }

  get port(): number {
    return this.listener.addr.port;
  }

  async #accept(): Promise<void> {
    for (;;) {
      (await this.listener.accept()).close();
      this.count++;
      this.#onAccept();
    }
  }
}

Deno.test({
  name: "preferNewestListener() has the system give connections to the newest that shares a port",
  ignore: Deno.build.os !== "linux",
  sanitizeOps: false,
  async fn() {
    let accepted = Promise.withResolvers<void>();
    const listen = (port: number) => new Counting(port, () => accepted.resolve());
    let newest = listen(0);
    const { port } = newest;
    const call = async () => {
      accepted = Promise.withResolvers();
      (await Deno.connect({ hostname, port })).close();
      await accepted.promise;
    };
    // With a connection of the same port, which is no listener.
    const connection = await Deno.connect({ hostname, port });
    await accepted.promise;
    assert.equal(preferNewestListener(port), true);
    connection.close();
    for (let round = 0; round < 3; round++) {
      const older = newest;
      const before = older.count;
      newest = listen(port);
      for (let i = 0; i < 100; i++) await call();
      assert.deepEqual([older.count - before, newest.count], [0, 100]);
      assert.equal(listenersOn(port).length, 2);
      older.listener.close();
      while (listenersOn(port).length > 1) await new Promise((resolve) => setTimeout(resolve, 1));
      await call();
    }
    newest.listener.close();
  },
});
