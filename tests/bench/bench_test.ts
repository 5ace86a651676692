import assert from "node:assert/strict";
import { bench, benchOptions } from "../../src/cli/bench/command.ts";
import { runPlan, tableOf } from "../../src/cli/bench/full_load.ts";
import { measure, median, percentile } from "../../src/cli/bench/measure.ts";
import { scenarios } from "../../src/cli/bench/scenarios.ts";
import { parseTarget as parse } from "../../src/cli/bench/target.ts";
import type { ClientAccess } from "../../src/cli/client_access.ts";
import { FlagError } from "../../src/cli/flag_error.ts";
import { background } from "../background.ts";
import { takePort } from "../ports.ts";
import { startFakeServer } from "./fake_server.ts";

/** What a client is who has given no flags of access. */
const nobody: ClientAccess = { authorization: undefined, tls: { rejectUnauthorized: true } };
const parseTarget = (text: string) => parse(text, nobody);

Deno.test("runPlan measures every scenario of every target without an error", async () => {
  await using first = startFakeServer();
  await using second = startFakeServer();
  const plan = {
    targets: [parseTarget(`first=${first.url}`), parseTarget(`second=${second.url},${first.url}`)],
    scenarios,
    clients: [1, 3],
    durationMs: 50,
    warmupMs: 0,
    rounds: 2,
    newConnections: false,
  };
  const rows = await runPlan(plan, () => {});
  assert.equal(rows.length, scenarios.length * 2 * 2);
  for (const row of rows) {
    assert.equal(row.errors, 0, row.firstError);
    assert.ok(row.requestsPerSecond > 0 && row.p50Ms > 0 && row.p99Ms >= row.p50Ms);
    assert.ok(row.ratio > 0);
  }
  assert.ok(rows.filter((row) => row.target === "first").every((row) => row.ratio === 1));
  const table = tableOf(rows);
  for (const { name } of scenarios) assert.ok(table.includes(name));
  const inTransactions = first.requests.filter((path) => path.includes("tx=fake"));
  assert.ok(inTransactions.some((path) => path.startsWith("/db/commit")));
});

Deno.test("transactions of several requests are measured only when they are asked for", () => {
  const byDefault = benchOptions.only.default.split(",");
  const asked = scenarios.map(({ name }) => name).filter((name) => !byDefault.includes(name));
  assert.deepEqual(asked, ["tx-deferred", "tx-immediate", "tx-concurrent"]);
});

Deno.test("runPlan warms all targets up, and reverses their order in every other round", async () => {
  const order: string[] = [];
  const note = (name: string) => () => {
    if (order.at(-1) !== name) order.push(name);
    return undefined;
  };
  await using first = startFakeServer(note("first"));
  await using second = startFakeServer(note("second"));
  const insert = scenarios.filter(({ name }) => name === "insert");
  await runPlan({
    targets: [parseTarget(`first=${first.url}`), parseTarget(`second=${second.url}`)],
    scenarios: insert,
    clients: [1],
    durationMs: 50,
    warmupMs: 50,
    rounds: 3,
    newConnections: false,
  }, () => {});
  const warmUp = ["first", "second"];
  assert.deepEqual(order, [...warmUp, "first", "second", "first", "second"]);
});

Deno.test("runPlan sends all clients to the node that leads when it is asked to, else to all nodes", async () => {
  let leading = "";
  const answer = (path: string) =>
    path === "/nodes"
      ? new Response(JSON.stringify({
        n1: { api_addr: first.url, leader: first.url === leading },
        n2: { api_addr: second.url, leader: second.url === leading },
      }))
      : undefined;
  await using first = startFakeServer(answer);
  await using second = startFakeServer(answer);
  const inserts = ({ requests }: typeof first) =>
    requests.splice(0).filter((path) => path === "/db/execute").length > 0;
  const plan = {
    targets: [parseTarget(`one=${first.url},${second.url}`)],
    scenarios: scenarios.filter(({ name }) => name === "insert"),
    clients: [2],
    durationMs: 50,
    warmupMs: 50,
    rounds: 1,
    newConnections: false,
  };
  for (leading of [first.url, second.url]) {
    await runPlan({ ...plan, atLeader: true }, () => {});
    assert.deepEqual([inserts(first), inserts(second)], [
      leading === first.url,
      leading === second.url,
    ]);
  }
  await runPlan(plan, () => {});
  assert.deepEqual([inserts(first), inserts(second)], [true, true]);
});

Deno.test("runPlan drops its tables even when a target never gets ready", async () => {
  await using server = startFakeServer();
  const port = takePort();
  const before = server.requests.length;
  const plan = {
    targets: [parseTarget(`up=${server.url}`), parseTarget(`down=http://127.0.0.1:${port}`)],
    scenarios: [],
    clients: [1],
    durationMs: 50,
    warmupMs: 0,
    rounds: 1,
    newConnections: false,
    readyTimeoutMs: 300,
  };
  await assert.rejects(runPlan(plan, () => {}), /Target down is not ready/);
  assert.ok(server.requests.length > before + 2);
  assert.equal(server.requests.at(-1), "/db/execute?transaction");
});

Deno.test("measure counts SQL errors, HTTP errors and lost connections", async () => {
  const answers = [
    () => new Response('{"results":[{"error":"no such table"}]}'),
    () => new Response("leader not found", { status: 503 }),
  ];
  for (const answer of answers) {
    await using server = startFakeServer(answer);
    const outcome = await measureBriefly(server.url);
    assert.equal(outcome.latenciesMs.length, 0);
    assert.ok(outcome.errors > 0);
    assert.match(outcome.firstError ?? "", /no such table|503 leader not found/);
  }
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closing = background(async () => {
    for await (const connection of listener) connection.close();
  });
  const outcome = await measureBriefly(`http://127.0.0.1:${listener.addr.port}`);
  assert.equal(outcome.latenciesMs.length, 0);
  assert.ok(outcome.errors > 0);
  listener.close();
  await closing;
});

Deno.test("measure ends in time when a server never answers", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = background(async () => {
    for await (const connection of listener) accepted.push(connection);
  });
  const outcome = await measureBriefly(`http://127.0.0.1:${listener.addr.port}`, 100);
  assert.equal(outcome.errors, 2);
  assert.match(outcome.firstError ?? "", /No answer within 100ms/);
  for (const connection of accepted) connection.close();
  listener.close();
  await accepting;
});

function measureBriefly(url: string, graceMs?: number) {
  const { endpoints } = parseTarget(`server=${url}`);
  const requests = endpoints.flatMap((endpoint) =>
    scenarios.filter(({ name }) => name === "insert").map((scenario) => scenario.requests(endpoint))
  );
  return measure({
    endpoints,
    requests,
    newConnections: false,
    clients: 2,
    durationMs: 50,
    ...(graceMs === undefined ? {} : { graceMs }),
  });
}

Deno.test("percentile and median of few values", () => {
  assert.equal(percentile([3, 1, 2], 0.5), 2);
  assert.equal(percentile([3, 1, 2], 0.99), 3);
  assert.equal(percentile(Array.from({ length: 100 }, (_, i) => i + 1), 0.99), 99);
  assert.ok(Number.isNaN(percentile([], 0.5)));
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([1, 2, 10, 4]), 3);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("parseTarget reads names, schemes and several nodes", () => {
  const { tls } = nobody;
  const authorization = undefined;
  assert.deepEqual(parseTarget("a=http://h:1/,[::1]:2, HTTPS://h:3//"), {
    name: "a",
    endpoints: [
      { address: { host: "h", port: 1 }, tls: undefined, authorization },
      { address: { host: "::1", port: 2 }, tls: undefined, authorization },
      { address: { host: "h", port: 3 }, tls, authorization },
    ],
  });
  for (const text of ["http://h:1", "a=", "a=ftp://h:1", "a=http://h", "a=https://h", "=h:1"]) {
    assert.throws(() => parseTarget(text), FlagError, text);
  }
});

Deno.test("bench refuses flags that it cannot obey", async () => {
  const target = ["-target", "a=h:1"];
  const wrong = [
    [],
    ["-target", "a=h:1", "-target", "a=h:2"],
    [...target, "-clients", "0"],
    [...target, "-clients", "1,x"],
    [...target, "-clients", "1025"],
    [...target, "-duration", "5"],
    [...target, "-duration", "2m"],
    [...target, "-warmup", "2m"],
    [...target, "-rounds", "0"],
    [...target, "-only", "inserts"],
    [...target, "-josn"],
    [...target, "-json=maybe"],
    [...target, "extra"],
    [...target, "-leader", "-rate", "5"],
    [...target, "-leader", "-many"],
  ];
  for (const args of wrong) {
    await assert.rejects(
      bench(args),
      (error) => error instanceof FlagError && error.exitCode === 2,
      args.join(" "),
    );
  }
});
