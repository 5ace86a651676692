import assert from "node:assert/strict";
import { bench } from "../../src/cli/bench/command.ts";
import { parseEvents } from "../../src/cli/bench/rate/events.ts";
import { fill } from "../../src/cli/bench/rate/fill.ts";
import { sendAtRate } from "../../src/cli/bench/rate/fixed_rate.ts";
import { rateSvg } from "../../src/cli/bench/rate/rate_drawing.ts";
import { checkRatePlan, runRatePlan } from "../../src/cli/bench/rate/rate_plan.ts";
import { rateText } from "../../src/cli/bench/rate/rate_text.ts";
import { scenarios, wholeRequests } from "../../src/cli/bench/scenarios.ts";
import { parseStarted, StartedCluster } from "../../src/cli/bench/started_cluster.ts";
import { parseTarget as parse } from "../../src/cli/bench/target.ts";
import { FlagError } from "../../src/cli/flag_error.ts";
import { startFakeServer } from "./fake_server.ts";

const nobody = { authorization: undefined, tls: { rejectUnauthorized: true } };
const parseTarget = (text: string) => parse(text, nobody);
const insert = scenarios.filter(({ name }) => name === "insert");

function loadOf(urls: readonly string[]) {
  const { endpoints } = parseTarget(`server=${urls.join(",")}`);
  const requests = endpoints.map((endpoint) =>
    insert.flatMap((scenario) => wholeRequests(scenario, endpoint))
  );
  return { endpoints, requests };
}

Deno.test("sendAtRate counts the wait of requests that could not be sent in time", async () => {
  const held = Promise.withResolvers<void>();
  let answers = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.text();
      if (answers++ === 0) await held.promise;
      return new Response('{"results":[{}]}');
    },
  );
  let start = NaN;
  const sending = sendAtRate({
    ...loadOf([`http://127.0.0.1:${server.addr.port}`]),
    connections: 1,
    perSecond: 1000,
    durationMs: 40,
  }, (first) => start = first);
  // Until the first has come, and all others should have been sent.
  while (answers === 0 || performance.now() < start + 60) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const releasedMs = performance.now() - start;
  held.resolve();
  const outcome = await sending;
  await server.shutdown();
  assert.equal(outcome.latenciesMs.length, 40);
  outcome.dueMs.forEach((due, i) => {
    assert.ok((outcome.latenciesMs[i] ?? 0) >= releasedMs - due, `Request ${i} due at ${due} ms`);
  });
  assert.equal(outcome.errors, 0);
});

Deno.test("sendAtRate sends what fails again, to the next node", async () => {
  await using bad = startFakeServer(() => new Response("leader not found", { status: 503 }));
  await using good = startFakeServer();
  const load = { connections: 2, perSecond: 500, durationMs: 20 };
  const outcome = await sendAtRate({ ...loadOf([bad.url, good.url]), ...load });
  assert.equal(outcome.latenciesMs.length, 10);
  assert.equal(outcome.again, bad.requests.length);
  assert.equal(outcome.errors, 0);
  const given = await sendAtRate({ ...loadOf([bad.url]), ...load, patienceMs: 2_000 });
  assert.equal(given.latenciesMs.length, 0);
  assert.equal(given.errors, 10);
  assert.match(given.firstError ?? "", /503 leader not found/);
});

Deno.test("sendAtRate gives up what it could not even send in its time", async () => {
  let answers = 0;
  const late = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.text();
    if (answers++ === 0) await late.promise;
    return new Response('{"results":[{}]}');
  });
  let start = NaN;
  // Far longer than a busy machine takes to send the first one.
  const patienceMs = 4_000;
  const sending = sendAtRate({
    ...loadOf([`http://127.0.0.1:${server.addr.port}`]),
    connections: 1,
    perSecond: 1000,
    durationMs: 10,
    patienceMs,
  }, (first) => start = first);
  let isOver = false;
  void sending.catch(() => {}).finally(() => isOver = true);
  while (!isOver && (answers === 0 || performance.now() < start + 10 + patienceMs)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  late.resolve();
  const outcome = await sending;
  await server.shutdown();
  assert.deepEqual([answers, outcome.latenciesMs.length, outcome.errors], [1, 1, 9]);
});

Deno.test("runRatePlan has events happen, and tells the longest request near each", async () => {
  await using first = startFakeServer();
  await using second = startFakeServer();
  const targets = [parseTarget(`first=${first.url}`), parseTarget(`second=${second.url}`)];
  const measurements = await runRatePlan({
    targets,
    scenarios: insert,
    rate: { share: 0.1 },
    connections: 2,
    durationMs: 60,
    warmupMs: 0,
    rounds: 2,
    events: parseEvents("snapshot,transfer@5ms,backup,count@50ms,vacuum@55ms", 60),
  }, () => {});
  assert.deepEqual(measurements.map(({ row }) => row.target), ["first", "second"]);
  for (const { row } of measurements) {
    assert.equal(row.errors, 0, row.firstError);
    assert.ok(row.perSecond > 0 && row.answeredPerSecond > 0);
    assert.ok(row.p50Ms <= row.p99Ms && row.p99Ms <= row.p9999Ms && row.p9999Ms <= row.maxMs);
    const names = row.events.map(({ name }) => name);
    const inRound = ["transfer", "snapshot", "backup", "count", "vacuum"];
    assert.deepEqual(names.toSorted(), [...inRound, ...inRound].toSorted());
    for (const event of row.events) {
      assert.equal(event.error, undefined);
      assert.ok(event.p50Ms <= event.p99Ms && event.p99Ms <= event.longestMs);
    }
    assert.ok(row.quietMaxMs <= row.maxMs);
  }
  for (const path of ["/snapshot", "/leader?wait", "/db/backup"]) {
    assert.equal(first.requests.filter((request) => request === path).length, 2, path);
  }
  const text = rateText(measurements);
  for (const word of ["p99.99", "first", "transfer", "█"]) assert.ok(text.includes(word), word);
  const svg = rateSvg(measurements);
  assert.ok(svg.startsWith("<svg") && svg.includes("backup") && !/NaN|Infinity/.test(svg));
});

Deno.test("fill adds rows by statements until there are enough", async () => {
  const statements: string[] = [];
  const timeouts = new Set<string | null>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    statements.push(...await request.json());
    timeouts.add(new URL(request.url).searchParams.get("timeout"));
    return new Response('{"results":[{}]}');
  });
  await fill(parseTarget(`server=http://127.0.0.1:${server.addr.port}`), 50_000_000, () => {});
  await server.shutdown();
  const [create, ...inserts] = statements;
  assert.match(create ?? "", /^CREATE TABLE/);
  assert.deepEqual([...timeouts], ["600000ms"], "A statement may take longer than a write usually");
  const last = inserts.map((sql) => Number(/WHERE n < (\d+)/.exec(sql)?.[1]));
  assert.deepEqual(last, [32 * 1024, Math.ceil(50_000_000 / 1024)]);
});

Deno.test("parseEvents spreads what has no time, and refuses what never comes", () => {
  assert.deepEqual(parseEvents("kill, snapshot@100ms", 900), [
    { name: "snapshot", atMs: 100 },
    { name: "kill", atMs: 300 },
  ]);
  assert.deepEqual(parseEvents("", 900), []);
  for (const text of ["reboot", "kill@soon", "kill@2s"]) {
    assert.throws(() => parseEvents(text, 900), FlagError, text);
  }
});

const fakeProgram = `
const flag = (name) => Deno.args[Deno.args.indexOf(name) + 1];
const [hostname, port] = flag("-http-addr").split(":");
Deno.serve({ hostname, port: Number(port), onListen() {} }, () => new Response(flag("-node-id")));
`;

Deno.test("StartedCluster starts nodes, ends one, starts it again, and leaves nothing", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/main.ts`, fakeProgram);
  await Deno.writeTextFile(`${directory}/deno.json`, "{}");
  try {
    const cluster = await StartedCluster.start(parseStarted(`fake=${directory}*2`), nobody);
    const [first, second] = cluster.nodes;
    assert.ok(first !== undefined && second !== undefined);
    assert.ok(!first.flags.includes("-join") && second.flags.includes("-join"));
    await cluster.kill(first);
    await cluster.run(first);
    const { child } = second;
    await cluster.stop(second);
    assert.equal((await child?.status)?.signal, "SIGTERM");
    await cluster.run(second);
    assert.equal(cluster.endpoints.length, 2);
    const data = first.flags.at(-1) ?? "";
    await cluster[Symbol.asyncDispose]();
    await assert.rejects(Deno.stat(data.replace(/\/1$/, "")), Deno.errors.NotFound);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("bench refuses flags of a fixed rate that it cannot obey", async () => {
  const target = ["-target", "a=h:1"];
  const wrong = [
    [...target, "-rate", "0"],
    [...target, "-rate", "101%"],
    [...target, "-rate", "many"],
    [...target, "-rate", "5", "-duration", "2h"],
    [...target, "-rate", "5", "-clients", "1,2"],
    [...target, "-rate", "5", "-events", "reboot"],
    [...target, "-rate", "5", "-events", "kill"],
    [...target, "-rate", "5", "-only", "tx-deferred"],
    [...target, "-rate", "5", "-new-connections"],
    [...target, "-events", "backup"],
    [...target, "-draw", "x.svg"],
    [...target, "-size", "1GB"],
    [...target, "-rate", "5", "-size", "1GB"],
    [...target, "-rate", "5", "-size", "1KB"],
    ["-start", "raftlite"],
    ["-start", "a=/there/is/no/such/program"],
  ];
  for (const args of wrong) {
    await assert.rejects(bench(args), (error) => error instanceof FlagError, args.join(" "));
  }
  const several = scenarios.filter(({ name }) => name === "tx-deferred");
  assert.throws(
    () => checkRatePlan({ targets: [], scenarios: several, events: [] }),
    FlagError,
  );
});
