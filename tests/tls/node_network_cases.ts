import assert from "node:assert/strict";
import { connect } from "node:net";
import { DenoNetwork } from "../../src/io/deno_network.ts";
import { type Network, PeerRefusal } from "../../src/io/types.ts";
import { pathsOf, readCredentials, type TlsCredentials } from "../../src/tls/credentials.ts";
import { NodeTlsNetwork } from "../../src/tls/node_network.ts";
import type { NodeTrust } from "../../src/tls/node_trust.ts";
import { background } from "../background.ts";
import { introduce, openNode, type TestNode, until, untilConnected } from "../transport/fixture.ts";
import { Authority, type IssueOptions } from "./authority.ts";

const directory = await Deno.makeTempDir();
const authority = await Authority.create(directory, "one");
const nextAuthority = await Authority.create(directory, "two");

async function issue(
  by: Authority,
  options: IssueOptions,
  believed: readonly Authority[] = [by],
): Promise<TlsCredentials> {
  const { certPath, keyPath } = await by.issue(options);
  const caPath = `${directory}/${options.name}.authorities`;
  const texts = await Promise.all(believed.map(({ caPath }) => Deno.readTextFile(caPath)));
  await Deno.writeTextFile(caPath, texts.join(""));
  const files = { certPath, keyPath, caPath };
  return readCredentials(
    files,
    await Promise.all(pathsOf(files).map((path) => Deno.readFile(path))),
  );
}

const node = await issue(authority, { name: "node" });
const believer = await issue(authority, { name: "believer" }, [authority, nextAuthority]);
const foreign = await issue(nextAuthority, { name: "foreign" });
const foreignBeliever = await issue(nextAuthority, { name: "both" }, [authority, nextAuthority]);
const serverOnly = await issue(authority, { name: "server", usage: "serverAuth" });
const misnamed = await issue(authority, {
  name: "misnamed",
  subjectAltName: "DNS:elsewhere.example",
});
await Deno.remove(directory, { recursive: true });

const mutual: NodeTrust = {
  verifyServer: true,
  serverName: undefined,
  verifyClient: true,
  clientCommonName: undefined,
  acceptPlain: false,
};

function tls(credentials: TlsCredentials, trust: Partial<NodeTrust> = {}): Network {
  return new NodeTlsNetwork({ credentials: () => credentials, trust: { ...mutual, ...trust } });
}

const plain = new DenoNetwork();

/** Two nodes, of which the first calls the second. */
async function pair(caller: Network, called: Network) {
  const a = await openNode("a", { network: caller });
  const b = await openNode("b", { network: called });
  a.transport.setPeers(new Map([["b", b.address]]));
  return { a, b };
}

async function withPair(
  caller: Network,
  called: Network,
  run: (a: TestNode, b: TestNode) => Promise<void>,
): Promise<void> {
  const { a, b } = await pair(caller, called);
  await using _a = a;
  await using _b = b;
  await run(a, b);
}

function request(from: TestNode, to: TestNode): Promise<Uint8Array> {
  const call = { address: to.address, kind: 1, payload: new Uint8Array([7]) };
  return from.transport.request(call, { timeoutMs: 120_000 });
}

/** Neither gets through to the other, and each log says what the test wants of it. */
async function refused(
  caller: Network,
  called: Network,
  lines: { readonly caller: RegExp; readonly called?: RegExp },
): Promise<void> {
  await withPair(caller, called, async (a, b) => {
    await assert.rejects(request(a, b));
    await until(() => a.log.matching(lines.caller).length > 0, `${lines.caller} at the caller`)
      .catch((error) => assert.fail(`${error.message}: ${a.log.lines.slice(-5).join("\n")}`));
    const { called: line } = lines;
    if (line !== undefined) {
      await until(() => b.log.matching(line).length > 0, `${line} at the called`)
        .catch((error) => assert.fail(`${error.message}: ${b.log.lines.slice(-5).join("\n")}`));
    }
    assert.deepEqual(b.messages, []);
  });
}

Deno.test(
  "nodes of one authority talk by TLS: messages, requests and streams",
  () =>
    withPair(tls(node), tls(believer), async (a, b) => {
      introduce(a, b);
      await untilConnected(a, b);
      await untilConnected(b, a);
      assert.deepEqual([...await request(a, b)], [7]);
      const body = async function* () {
        for (let i = 0; i < 40; i++) {
          yield await Promise.resolve(new Uint8Array(256 * 1024).fill(i));
        }
      };
      const call = { address: b.address, kind: 1, header: new Uint8Array(), body: body() };
      const answer = await a.transport.stream(call, { timeoutMs: 60_000 });
      assert.equal(new TextDecoder().decode(answer), String(40 * 256 * 1024));
    }),
);

Deno.test("an authority that is not known is refused, at whichever end", async () => {
  await refused(tls(node), tls(foreign), {
    caller: /WARN .*its certificate is not believed.*-node-ca-cert/i,
    called: /WARN Closed the connection from 127\.0\.0\.1/,
  });
  await refused(tls(foreignBeliever), tls(node), {
    caller: /WARN .*It refused the connection: Its certificate \(CN=both\) is of no authority/,
    called: /WARN .*Its certificate \(CN=both\) is of no authority .*-node-ca-cert/,
  });
});

Deno.test(
  "a certificate that is not for clients, or for another name, is refused with the reason",
  async () => {
    await refused(tls(serverOnly), tls(node), {
      caller: /CN=server\) .*not for clients \(extendedKeyUsage needs clientAuth/,
      called: /CN=server\) .*not for clients/,
    });
    await refused(tls(node), tls(node, { clientCommonName: "nod" }), {
      caller: /CN=node\) is not for the common name nod of -node-verify-common-name/,
      called: /CN=node\) is not for the common name nod/,
    });
    await refused(tls(node), tls(misnamed), {
      caller: /not for the name it was called by: .*127\.0\.0\.1.*-node-verify-server-name/,
    });
  },
);

Deno.test(
  "-node-verify-server-name is the name in place of the address, -node-no-verify asks for none",
  async () => {
    for (
      const caller of [
        tls(node, { serverName: "elsewhere.example" }),
        tls(foreign, { verifyServer: false }),
      ]
    ) {
      await withPair(caller, tls(misnamed, { verifyClient: false }), async (a, b) => {
        assert.deepEqual([...await request(a, b)], [7]);
      });
    }
  },
);

Deno.test(
  "a node with the right common name is let in",
  () =>
    withPair(tls(node), tls(node, { clientCommonName: "node" }), async (a, b) => {
      assert.deepEqual([...await request(a, b)], [7]);
    }),
);

Deno.test("a caller without a certificate is refused", async () => {
  const bare = { ...node, certificates: "", key: "" };
  const network: Network = {
    listen: (address) => plain.listen(address),
    connect: (address, timeoutMs) => tls(bare).connect(address, timeoutMs),
  };
  await refused(network, tls(node), {
    caller: /It showed no certificate.*-node-cert and -node-key/,
    called: /It showed no certificate/,
  });
});

Deno.test(
  "a plain node and one with TLS tell each other apart, each in its log with the way out",
  async () => {
    await refused(plain, tls(node), {
      caller: /It refused the connection: .*speaks without TLS.*-node-cert.*-node-accept-plain/,
      called: /WARN .*speaks without TLS, the one that it called takes only TLS/,
    });
    await refused(tls(node), plain, {
      caller: /WARN .*It does not speak TLS.*-node-accept-plain/,
      called: /WARN .*It speaks TLS, the node that it called has none.*-node-accept-plain/,
    });
  },
);

Deno.test(
  "-node-accept-plain takes plain nodes and calls them, and prefers TLS",
  async () => {
    const both = tls(node, { acceptPlain: true });
    for (
      const [caller, called] of [[plain, both], [both, plain], [both, both], [both, tls(node)]]
    ) {
      if (caller === undefined || called === undefined) throw new Error("A pair has two");
      await withPair(caller, called, async (a, b) => {
        assert.deepEqual([...await request(a, b)], [7]);
      });
    }
    // The last pair shows that TLS is tried: the called one takes nothing else. A certificate that is
    // not believed is no reason to go on without.
    await refused(both, tls(foreign), {
      caller: /certificate is not believed/,
      called: /WARN Closed the connection/,
    });
  },
);

Deno.test("a node that ends in the handshake is not reached, and may be a plain one where such are called", async () => {
  // As a raftlite from before there was TLS does with a greeting that it does not know.
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr;
  const spoken: number[] = [];
  const serving = background(async () => {
    while (spoken.length < 3) {
      const connection = await server.accept();
      const first = new Uint8Array(1);
      await connection.read(first);
      spoken.push(first[0] ?? -1);
      connection.close();
    }
  });
  const address = `127.0.0.1:${port}`;
  await assert.rejects(tls(node).connect(address, 5_000), (error: Error) => {
    assert.ok(!(error instanceof PeerRefusal));
    assert.match(error.message, /^Cannot connect to 127.* it closed the connection in the TLS/);
    return true;
  });
  const connection = await tls(node, { acceptPlain: true }).connect(address, 5_000);
  await connection.write(new Uint8Array([7]));
  await connection.read(new Uint8Array(1)).catch(() => null);
  connection.close();
  await serving;
  assert.deepEqual(spoken, [0x16, 0x16, 7]);
});

Deno.test(
  "each connection shows the credentials of its moment; those that are open go on",
  async () => {
    let shown = node;
    const changing = new NodeTlsNetwork({ credentials: () => shown, trust: mutual });
    await withPair(tls(believer), changing, async (a, b) => {
      assert.deepEqual([...await request(a, b)], [7]);
      shown = foreignBeliever;
      assert.deepEqual([...await request(a, b)], [7]);
      await using late = await openNode("late", { network: tls(foreign) });
      await assert.doesNotReject(request(late, b));
      await using old = await openNode("old", { network: tls(node) });
      await assert.rejects(request(old, b), /certificate is not believed/);
    });
  },
);

Deno.test(
  "who says nothing, breaks off or talks nonsense takes nothing down",
  () =>
    withPair(tls(node), tls(believer, { acceptPlain: true }), async (a, b) => {
      const beginnings = [
        "",
        "\x16",
        "\x16\x03\x01\x02\x00\x01",
        "GET / HTTP/1.1\r\n\r\n",
        "rafx",
        "\0",
      ];
      const port = Number(b.address.split(":").at(-1));
      for (const beginning of beginnings) {
        const socket = connect(port, "127.0.0.1");
        await new Promise((resolve) => socket.once("connect", resolve));
        if (beginning !== "") {
          await new Promise((resolve) => socket.write(beginning, "latin1", resolve));
        }
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.on("error", () => {});
        socket.destroy();
        await closed;
      }
      assert.deepEqual([...await request(a, b)], [7]);
    }),
);
