import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { CommitHistory } from "../../src/http/console/commit_history.ts";
import { FigureRecorder } from "../../src/http/console/figure_recorder.ts";
import { LiveFeed, readersMax } from "../../src/http/console/live_feed.ts";
import { RequestFigures } from "../../src/metrics/request_figures.ts";
import { appWith, FakeService } from "./fake_service.ts";

Deno.test("the console's page is there for everybody, and may run and ask nothing but its own", async () => {
  const { fetch } = appWith(new FakeService());
  const response = await fetch("/console/");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await response.text();
  // Nothing inline, and nothing from elsewhere.
  assert.doesNotMatch(page, /<style|style=|<script>|\son\w+=|https?:|\/\//);
  const policy = response.headers.get("content-security-policy") ?? "";
  for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
  assert.equal(response.headers.get("x-frame-options"), "DENY");
  for (const [, name] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const file = await fetch(`/console/${name}`);
    assert.equal(file.status, 200, name);
    await file.body?.cancel();
  }
});

Deno.test("the console's files are sent packed to who takes that, and not again to who has them", async () => {
  const { fetch } = appWith(new FakeService());
  const plain = await fetch("/console/main.js");
  assert.equal(plain.headers.get("content-type"), "text/javascript; charset=utf-8");
  const packed = await fetch("/console/main.js", { headers: { "accept-encoding": "br, gzip" } });
  assert.equal(packed.headers.get("content-encoding"), "gzip");
  const text = gunzipSync(new Uint8Array(await packed.arrayBuffer())).toString();
  assert.equal(text, await plain.text());
  const etag = plain.headers.get("etag") ?? "";
  const again = await fetch("/console/main.js", { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), "");
});

Deno.test("nothing but the console's own files is below /console/", async () => {
  const { fetch } = appWith(new FakeService());
  for (
    const path of [
      ...["nope.js", "..%2ffiles.ts", "%2e%2e/files.ts", "files.ts", "a/../../files.ts", "main"],
      ...["constructor.js", "index.html%00", "%2fetc%2fpasswd"],
    ]
  ) {
    const response = await fetch(`/console/${path}`);
    assert.equal(response.status, 404, path);
    await response.body?.cancel();
  }
  const short = await fetch("/console", { redirect: "manual" });
  assert.equal(short.headers.get("location"), "/console/");
  await short.body?.cancel();
});

Deno.test("a row of figures has rates and percentiles of the time since the last", async () => {
  const requests = new RequestFigures();
  const { parts } = appWith(new FakeService());
  const recorder = new FigureRecorder({ ...parts, requests });
  await recorder.record();
  assert.deepEqual(recorder.ring.after(0), [], "The first reading has nothing to be compared with");
  requests.of("/db/execute").answered(200, 0.004);
  requests.of("/db/query").answered(500, 0.4);
  await recorder.record();
  requests.of("/db/query").answered(200, 0.002);
  await recorder.record();
  const [first, second] = recorder.ring.after(0).map((row) =>
    Object.fromEntries(recorder.ring.names.map((name, at) => [name, row[at + 1]]))
  );
  assert.ok(first && second);
  assert.ok(Number(first.writes_per_second) > 0 && Number(first.failures_per_second) > 0);
  assert.ok(Number(first.write_p99_ms) > 2.5 && Number(first.write_p99_ms) <= 5);
  assert.equal(second.writes_per_second, 0);
  assert.equal(second.failures_per_second, 0);
  assert.equal(second.write_p99_ms, null);
  assert.ok(Number(second.read_p99_ms) <= 2.5, "The slow read was before");
});

Deno.test("a store at rest is not asked for figures again and again", async () => {
  const service = new FakeService();
  let asked = 0;
  const { storeStatus } = service;
  service.storeStatus = () => {
    asked++;
    return storeStatus.call(service);
  };
  const { parts } = appWith(service);
  const recorder = new FigureRecorder({ ...parts, requests: new RequestFigures() });
  for (let row = 0; row < 50; row++) await recorder.record();
  assert.ok(asked >= 2 && asked < 20, `asked ${asked} times for 50 rows`);
  const sizes = recorder.ring.names.indexOf("database_bytes") + 1;
  assert.ok(recorder.ring.after(0).every((row) => row[sizes] === 8192));
});

Deno.test("/debug/figures gives rows, and takes no time that is none", async () => {
  const { fetch } = appWith(new FakeService());
  const { names, rows } = await (await fetch("/debug/figures")).json();
  assert.equal(names[0], "at");
  assert.deepEqual(rows, []);
  assert.equal((await fetch("/debug/figures?after=x")).status, 400);
});

function feedOf(service = new FakeService()) {
  const { parts, logger } = appWith(service);
  const recorder = new FigureRecorder({ ...parts, requests: new RequestFigures() });
  return { recorder, feed: new LiveFeed({ service, recorder, logger }) };
}

Deno.test("who follows the figures gets what there is, then the nodes, then new rows; until the end", async () => {
  const { recorder, feed } = feedOf();
  await recorder.record();
  await recorder.record();
  const events = feed.follow(0, () => true);
  const next = async () => {
    const { value = "" } = await events.next();
    const [, name, data = ""] = /^event: (.*)\ndata: (.*)\n\n$/.exec(value) ?? [];
    return { name, data: JSON.parse(data) };
  };
  assert.equal((await next()).name, "start");
  assert.equal((await next()).data.rows.length, 1);
  const { name, data } = await next();
  assert.equal(name, "nodes");
  assert.equal(data.nodes[0].lag_entries, 1);
  await recorder.record();
  const later = await next();
  assert.equal(later.name, "figures");
  assert.equal(later.data.rows.length, 1);
  feed.close();
  let last = await next();
  while (last.name === "nodes") last = await next();
  assert.equal(last.name, "end");
  assert.equal((await events.next()).done, true);
});

Deno.test("only so many may follow the figures at a time, and each that leaves makes room", async () => {
  const { feed } = feedOf();
  const all = Array.from({ length: readersMax }, () => feed.follow(0, () => true));
  for (const each of all) await each.next();
  assert.equal(feed.isFull, true);
  await all[0]?.return(undefined);
  assert.equal(feed.isFull, false);
  for (const each of all) await each.return(undefined);
  feed.close();
});

Deno.test("CommitHistory says for how long there has been more than an index", () => {
  const history = new CommitHistory();
  assert.equal(history.behindMs(0, 5), 0);
  history.note(10, 100);
  history.note(20, 100);
  history.note(30, 200);
  assert.equal(history.behindMs(200, 50), 0);
  assert.equal(history.behindMs(150, 50), 20);
  assert.equal(history.behindMs(50, 50), 40);
  for (let at = 40; at < 400; at++) history.note(at, at * 10);
  assert.ok(history.behindMs(0, 400) <= 400);
});
