import { DenoNetwork } from "../../src/io/deno_network.ts";
import type { Network } from "../../src/io/types.ts";
import { mutualTrust } from "../../src/tls/node_trust.ts";
import { NodeTlsNetwork } from "../../src/tls/node_network.ts";
import { credentialsOf } from "../../src/tls/secret_authority.ts";
import { append, entry, heartbeat, introduce, openNode, text, untilConnected } from "./fixture.ts";

/** Two transports in this process, over loopback, plain and by TLS: `deno bench -A tests/transport`. */
const credentials = await credentialsOf(["0123456789abcdef".repeat(2)], "a", Date.now());
const networks: readonly [name: string, network: Network][] = [
  ["plain", new DenoNetwork()],
  ["TLS", new NodeTlsNetwork({ credentials: () => credentials, trust: mutualTrust })],
];

const hundred = Array.from({ length: 100 }, (_, i) => entry(i + 1, new Uint8Array(200)));

for (const [name, network] of networks) {
  const a = await openNode("a", { network });
  const b = await openNode("b", { network });
  introduce(a, b);
  await untilConnected(a, b);

  /** Sends `count` messages at once and waits until the last has arrived. */
  const batch = (what: string, count: number, message: ReturnType<typeof heartbeat>) => {
    const messages = Array.from({ length: count }, () => message);
    Deno.bench(`${what}, ${name}`, { group: what, baseline: name === "plain" }, async () => {
      b.messages.length = 0;
      a.transport.send(messages);
      while (b.messages.length < count) await new Promise((resolve) => setTimeout(resolve, 0));
    });
  };

  const requests = (what: string, payload: Uint8Array) => {
    Deno.bench(`${what}, ${name}`, { group: what, baseline: name === "plain" }, async () => {
      await a.transport.request({ address: b.address, kind: 1, payload }, { timeoutMs: 5000 });
    });
  };

  batch("send() 1,000 heartbeats", 1000, heartbeat("a", "b", 1));
  batch("send() 10,000 entries of 200 bytes in 100 messages", 100, append("a", "b", hundred));
  requests("request() and its answer, 100 bytes", text("x".repeat(100)));
  requests("request() of 1 MiB and its answer", new Uint8Array(1024 * 1024));

  const what = "stream() of 16 MiB";
  Deno.bench(`${what}, ${name}`, { group: what, baseline: name === "plain" }, async () => {
    const chunk = new Uint8Array(256 * 1024);
    const body = async function* () {
      for (let i = 0; i < 64; i++) yield await Promise.resolve(chunk);
    };
    const call = { address: b.address, kind: 1, header: text(""), body: body() };
    await a.transport.stream(call, { timeoutMs: 5000 });
  });
}
