import { append, entry, heartbeat, introduce, openNode, text, untilConnected } from "./fixture.ts";

/** Two transports in this process, over loopback: `deno bench -A tests/transport`. */
const a = await openNode("a");
const b = await openNode("b");
introduce(a, b);
await untilConnected(a, b);

/** Sends `count` messages at once and waits until the last has arrived. */
function batch(name: string, count: number, message: ReturnType<typeof heartbeat>): void {
  const messages = Array.from({ length: count }, () => message);
  Deno.bench(name, async () => {
    b.messages.length = 0;
    a.transport.send(messages);
    while (b.messages.length < count) await new Promise((resolve) => setTimeout(resolve, 0));
  });
}

const hundred = Array.from({ length: 100 }, (_, i) => entry(i + 1, new Uint8Array(200)));

batch("send() 1,000 heartbeats", 1000, heartbeat("a", "b", 1));
batch("send() 10,000 entries of 200 bytes in 100 messages", 100, append("a", "b", hundred));

Deno.bench("request() and its answer, 100 bytes", async () => {
  await a.transport.request({ address: b.address, kind: 1, payload: text("x".repeat(100)) }, {
    timeoutMs: 5000,
  });
});

Deno.bench("request() of 1 MiB and its answer", async () => {
  await a.transport.request({ address: b.address, kind: 1, payload: new Uint8Array(1024 * 1024) }, {
    timeoutMs: 5000,
  });
});

Deno.bench("stream() of 16 MiB", async () => {
  const chunk = new Uint8Array(256 * 1024);
  const body = async function* () {
    for (let i = 0; i < 64; i++) yield await Promise.resolve(chunk);
  };
  await a.transport.stream({ address: b.address, kind: 1, header: text(""), body: body() }, {
    timeoutMs: 5000,
  });
});
