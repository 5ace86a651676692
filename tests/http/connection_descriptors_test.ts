import assert from "node:assert/strict";
import { ConnectionDescriptors } from "../../src/http/connection_descriptors.ts";
import { ConnectionTable } from "../../src/http/connection_table.ts";
import { eventually } from "../cluster/harness.ts";

type Ends = readonly [accepted: Deno.TcpConn, client: Deno.TcpConn];

async function connect(listener: Deno.TcpListener): Promise<Ends> {
  const { hostname, port } = listener.addr;
  return await Promise.all([listener.accept(), Deno.connect({ hostname, port })]);
}

/** One thread's, which finds what it is asked for. */
class Thread {
  readonly #descriptors: ConnectionDescriptors;

  constructor(table: ConnectionTable) {
    const descriptors = ConnectionDescriptors.open(table);
    assert.ok(descriptors !== undefined);
    this.#descriptors = descriptors;
  }

  /** Beside many others, as tests in the same process have them, it may look only so often. */
  find(connection: Deno.TcpConn): Promise<number> {
    return eventually("the descriptor", () => this.#descriptors.find(connection));
  }

  release(descriptor: number): void {
    this.#descriptors.release(descriptor);
  }
}

Deno.test({
  name: "ConnectionDescriptors finds each connection, however many other threads have and had",
  ignore: Deno.build.os !== "linux",
  // The C library stays open.
  sanitizeResources: false,
  fn: async () => {
    const table = new ConnectionTable();
    const there = new Thread(table);
    const here = new Thread(new ConnectionTable(table.memory, 2));
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const open: Ends[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < 200; i++) {
      const ends = await connect(listener);
      open.push(ends);
      // The clients' ends are this process's, too.
      for (const end of ends) theirs.push(await there.find(end));
    }
    const ours: number[] = [];
    for (let i = 0; i < 100; i++) {
      for (const end of open[i] ?? []) end.close();
      for (const descriptor of theirs.splice(0, 2)) there.release(descriptor);
      const ends = await connect(listener);
      open[i] = ends;
      for (const end of ends) ours.push(await here.find(end));
    }
    // A thread that is no more has none.
    table.forget(2);
    for (const descriptor of ours) assert.ok(!table.has(descriptor));
    for (const descriptor of theirs) assert.ok(table.has(descriptor));
    for (const end of open.flat()) end.close();
  },
});
