import assert from "node:assert/strict";
import { bench } from "../../src/cli/bench/command.ts";
import { burdens } from "../../src/cli/bench/many/burdens.ts";
import { runManyPlan } from "../../src/cli/bench/many/many_plan.ts";
import { manyText } from "../../src/cli/bench/many/many_text.ts";
import { scenarios } from "../../src/cli/bench/scenarios.ts";
import { parseTarget } from "../../src/cli/bench/target.ts";
import { FlagError } from "../../src/cli/flag_error.ts";
import { startFakeServer } from "./fake_server.ts";

const nobody = { authorization: undefined, tls: { rejectUnauthorized: true } };

const sizes = {
  connections: 20,
  busyConnections: 3,
  rows: 100,
  slowClients: 2,
  slowRows: 50,
  statementRows: 10,
};

function planFor(url: string) {
  return {
    targets: [parseTarget(`fake=${url}`, nobody)],
    burdens,
    sizes,
    scenarios: scenarios.filter(({ name }) => name === "insert" || name === "read-weak"),
    perSecond: 200,
    connections: 2,
    durationMs: 50,
    settleMs: 0,
  };
}

Deno.test("runManyPlan measures ordinary requests beside each burden", async () => {
  await using server = startFakeServer();
  const rows = await runManyPlan(planFor(server.url), () => {});
  assert.deepEqual(rows.map(({ burden }) => burden), burdens.map(({ name }) => name));
  for (const row of rows) {
    assert.equal(row.burdenError, undefined, row.burden);
    assert.equal(row.errors, 0);
    assert.ok(row.p50Ms <= row.p99Ms && row.p99Ms <= row.maxMs);
  }
  const reads = server.requests.filter((path) => path.includes("WHERE id = 7"));
  assert.ok(reads.length >= sizes.connections);
  assert.equal(server.requests.filter((path) => path.includes("RECURSIVE")).length > 2, true);
  assert.ok(manyText(rows).includes("slow-clients"));
});

Deno.test("runManyPlan says why a burden could not be carried", async () => {
  await using server = startFakeServer((path) =>
    path.includes("RECURSIVE") ? new Response("no", { status: 500 }) : undefined
  );
  const rows = await runManyPlan(planFor(server.url), () => {});
  const failed = rows.filter(({ burdenError }) => burdenError !== undefined);
  assert.deepEqual(failed.map(({ burden }) => burden), ["rows", "slow-clients"]);
  assert.match(failed[0]?.burdenError ?? "", /500/);
  assert.match(manyText(rows), /rows, fake: .*500/);
});

Deno.test("bench refuses flags of -many that it cannot obey", async () => {
  for (const flags of [["-rate", "50%"], ["-events", "backup"], ["-draw", "x.svg"]]) {
    await assert.rejects(
      bench(["-target", "a=h:1", "-many", ...flags]),
      FlagError,
      flags.join(" "),
    );
  }
});
