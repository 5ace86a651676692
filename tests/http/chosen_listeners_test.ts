import assert from "node:assert/strict";
import { listenersOn } from "../../src/http/listening_sockets.ts";
import { chooseListeners } from "../../src/http/chosen_listeners.ts";

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
  name:
    "chooseListeners() has the system give connections to those alone that came at these places",
  ignore: Deno.build.os !== "linux",
  sanitizeOps: false,
  async fn() {
    let accepted = Promise.withResolvers<void>();
    const listen = (port: number) => new Counting(port, () => accepted.resolve());
    const first = listen(0);
    const { port } = first;
    const call = async () => {
      accepted = Promise.withResolvers();
      (await Deno.connect({ hostname, port })).close();
      await accepted.promise;
    };
    // With a connection of the same port, which is no listener.
    const connection = await Deno.connect({ hostname, port });
    await accepted.promise;
    assert.equal(chooseListeners(port, { from: 1, count: 1 }), true);
    connection.close();
    // Nobody is there: it goes to whom it can.
    await call();
    const all = [first, listen(port), listen(port), listen(port)];
    assert.equal(listenersOn(port).length, 4);
    const counted = async () => {
      for (const each of all) each.count = 0;
      for (let i = 0; i < 200; i++) await call();
      return all.map(({ count }) => count);
    };
    assert.deepEqual(await counted(), [0, 200, 0, 0]);
    assert.equal(chooseListeners(port, { from: 2, count: 2 }), true);
    const [none, neither, some = 0, others = 0] = await counted();
    assert.deepEqual([none, neither, some + others], [0, 0, 200]);
    // That one of the two gets all by chance is as good as impossible.
    assert.ok(some > 0 && others > 0);
    // The first two are closed, one after the other: the last takes the place of each.
    assert.equal(chooseListeners(port, { from: 2, count: 1 }), true);
    for (const [closed, expected] of [[1, [0, 0, 200, 0]], [0, undefined]] as const) {
      all[closed]?.listener.close();
      const left = listenersOn(port).length - 1;
      while (listenersOn(port).length > left) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const counts = await counted();
      if (expected !== undefined) assert.deepEqual(counts, expected);
      assert.deepEqual(counts.slice(0, 2), [0, 0]);
    }
    for (const { listener } of all.slice(2)) listener.close();
  },
});
