import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { OtlpPush } from "../../src/metrics/otlp/push.ts";
import { grpcMissing } from "../../src/metrics/otlp/runtime.ts";
import { takePort } from "../ports.ts";

/**
 * What stands in for a collector of OpenTelemetry: it takes whatever comes and keeps it. The real one
 * is in tests/metrics/collector, by `deno task test:otlp`.
 */
interface StandIn extends AsyncDisposable {
  readonly endpoint: string;
  readonly bodies: string[];
}

const latin1 = new TextDecoder("latin1");

function httpStandIn(): Promise<StandIn> {
  const bodies: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    assert.equal(new URL(request.url).pathname, "/v1/metrics");
    assert.equal(request.headers.get("content-type"), "application/x-protobuf");
    bodies.push(latin1.decode(await request.arrayBuffer()));
    return new Response(new Uint8Array(0));
  });
  return Promise.resolve({
    endpoint: `127.0.0.1:${server.addr.port}`,
    bodies,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

const exportMethod = {
  path: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
} as const;

async function grpcStandIn(): Promise<StandIn> {
  const bodies: string[] = [];
  const server = new Server();
  server.addService({ Export: exportMethod }, {
    Export(
      call: { readonly request: Buffer },
      answer: (error: null, bytes: Buffer) => void,
    ) {
      bodies.push(latin1.decode(call.request));
      answer(null, Buffer.alloc(0));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, bound) => error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    endpoint: `127.0.0.1:${port}`,
    bodies,
    [Symbol.asyncDispose]: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function pushTo(endpoint: string, protocol: "grpc" | "http", intervalMs: number) {
  const lines: string[] = [];
  let asked = 0;
  const push = new OtlpPush({
    endpoint,
    protocol,
    intervalMs,
    insecure: true,
    noVerify: false,
    ca: undefined,
    cert: undefined,
    key: undefined,
  }, {
    version: "0.1.0",
    nodeId: "node-7",
    startedAtMs: 0,
    clock: new DenoClock(),
    logger: { log: (level, room, message) => lines.push(`${level} ${room} ${message}`) },
    families: () =>
      Promise.resolve([{
        name: "raftlite_raft_term",
        help: "The term",
        type: "gauge",
        samples: [{ labels: { nth: `push-${++asked}` }, value: 3 }],
      }]),
  });
  return { push, lines };
}

for (const protocol of ["grpc", "http"] as const) {
  // gRPC keeps timers and a socket for a moment after its end; an older Deno cannot have it, and the
  // program says so at its start.
  const ignore = protocol === "grpc" && grpcMissing() !== undefined;
  const sanitizers = { sanitizeOps: false, sanitizeResources: false, ignore };
  const collect = protocol === "grpc" ? grpcStandIn : httpStandIn;

  Deno.test(
    `OtlpPush pushes by ${protocol} at its interval, and once at its end`,
    sanitizers,
    async () => {
      await using collector = await collect();
      const { push, lines } = pushTo(collector.endpoint, protocol, 10);
      push.start();
      while (collector.bodies.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      await push.stop();
      const [first = ""] = collector.bodies;
      for (
        const text of ["raftlite.raft_term", "push-1", "service.instance.id", "node-7", "0.1.0"]
      ) {
        assert.ok(first.includes(text), `${text} in ${first}`);
      }
      assert.equal(push.figures.failure, undefined);
      assert.deepEqual(lines, []);
    },
  );

  Deno.test(
    `OtlpPush says once, by ${protocol}, that no collector is there`,
    sanitizers,
    async () => {
      const { push, lines } = pushTo(`127.0.0.1:${takePort()}`, protocol, 1);
      push.start();
      while (push.figures.failure === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await push.stop();
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", /^WARN metrics Metrics do not reach 127\.0\.0\.1:\d+: ./);
    },
  );

  Deno.test(
    `OtlpPush ends by ${protocol} although its collector does not answer`,
    sanitizers,
    async () => {
      using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const accepted = silent.accept();
      const { push } = pushTo(`127.0.0.1:${silent.addr.port}`, protocol, 60_000);
      push.start();
      await push.stop();
      (await accepted).close();
    },
  );
}
