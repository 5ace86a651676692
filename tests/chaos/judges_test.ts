import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { Bank } from "./bank.ts";
import { cells, type Tables } from "./copied_rows.ts";
import { Elements } from "./elements.ts";
import { FakeNode } from "./fake_node.ts";
import { Lists } from "./lists.ts";
import { Report } from "./report.ts";
import { Sequences } from "./sequences.ts";
import { StreamCopy } from "./stream_copy.ts";
import { WebhookCopy } from "./webhook_copy.ts";
import type { FinalRead, Workload, WorkloadParts } from "./workload.ts";

// Each judge of the chaos, before a node that lies: what it says must be noticed.

function parts(): WorkloadParts & { readonly report: Report } {
  let last = 0;
  return { report: new Report(() => {}), moment: () => ++last };
}

async function work(workload: Workload, node: FakeNode, steps: number): Promise<void> {
  const random = new Prng(1n);
  const home = node.process;
  for (let i = 0; i < steps; i++) {
    await workload.once({ home, any: () => home, random }, 0).catch(() => {});
  }
}

const nothing: FinalRead = () => Promise.resolve([]);

Deno.test("Elements notices what is lost, there twice, half there, or there without having been added", async () => {
  await using node = new FakeNode(() => ({ results: [{ rows_affected: 1 }] }));
  const check = async (spoil: (rows: number[][]) => number[][]) => {
    const { report, ...rest } = parts();
    const elements = new Elements({ report, ...rest });
    await work(elements, node, 30);
    const history = elements.history as { value: number; parts: number; outcome: string }[];
    const rows = history.filter(({ outcome }) => outcome === "applied").flatMap(
      ({ value, parts }) => Array.from({ length: parts }, (_, part) => [value, part]),
    );
    await elements.check(() => Promise.resolve(spoil(rows)));
    return report.violations.length;
  };
  assert.equal(await check((rows) => rows), 0);
  assert.equal(await check((rows) => rows.slice(1)), 1);
  assert.equal(await check(([first = [], ...rows]) => [first, first, ...rows]), 1);
  assert.equal(await check((rows) => rows.filter(([, part]) => part !== 2)) > 0, true);
  assert.equal(await check((rows) => [...rows, [99_999, 0]]), 1);
});

Deno.test("Sequences notices a number that is given twice, and one that goes back", async () => {
  const check = async (next: (before: number) => number) => {
    let last = 0;
    const { report, ...rest } = parts();
    const sequences = new Sequences({ report, ...rest });
    await using node = new FakeNode(() => {
      last = next(last);
      return { results: [{ last_insert_id: last, values: [[last]] }] };
    });
    await work(sequences, node, 12);
    await sequences.check(nothing);
    return report.violations.filter((text) => / was given to /.test(text)).length;
  };
  assert.equal(await check((before) => before + 1), 0);
  assert.equal(await check(() => 7) > 0, true);
  assert.equal(await check((before) => before === 0 ? 100 : before - 1) > 0, true);
});

Deno.test("Bank notices money that is not there", async () => {
  const { report, ...rest } = parts();
  const bank = new Bank({ report, ...rest });
  await using node = new FakeNode(() => ({ results: [{ values: [[799]] }, {}] }));
  await work(bank, node, 8);
  assert.match(report.violations[0] ?? "", /showed 799/);
});

Deno.test("Lists notices a session that does not see its own appends", async () => {
  const { report, ...rest } = parts();
  const lists = new Lists({ report, ...rest }, true);
  await using node = new FakeNode((path) =>
    path.startsWith("/db/query") ? { results: [{}] } : { results: [{ rows_affected: 1 }] }
  );
  await work(lists, node, 20);
  assert.match(report.violations.join("\n"), /without its own/);
  await lists.check(nothing);
  assert.match(report.violations.join("\n"), /acknowledged and is lost/);
});

const shape = { row_ids: true, columns: [{ name: "v" }] };

function piece(index: number, first: number, changes: readonly unknown[]) {
  const next = String(index + 1);
  return { next, index, first, complete: true, tables: { t: shape }, changes };
}

const insert = (id: number) => ({ op: "insert", table: "t", new_row_id: id, after: { v: id } });
const remove = (id: number) => ({ op: "delete", table: "t", old_row_id: id, before: { v: id } });

/** What a copy by the stream finds wrong with these lines. */
async function follow(lines: readonly unknown[]): Promise<readonly string[]> {
  const report = new Report(() => {});
  const ended = Promise.withResolvers<void>();
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await using node = new FakeNode(() => text);
  let asked = 0;
  const copy = new StreamCopy("the copy", report, () => {
    if (asked++ === 0) return node.process;
    ended.resolve();
    return undefined;
  });
  const failed = setInterval(() => report.violations.length > 0 && ended.resolve(), 5);
  await ended.promise;
  clearInterval(failed);
  await copy.end();
  return report.violations;
}

Deno.test("StreamCopy notices what is told twice, out of order, or does not fit the rows", async () => {
  const one = piece(3, 0, [insert(1), insert(2)]);
  assert.deepEqual(await follow([one, piece(5, 0, [remove(1)])]), []);
  const wrong = [
    [one, one],
    [one, piece(2, 0, [insert(9)])],
    [one, piece(5, 1, [insert(9)])],
    [one, piece(5, 0, [insert(2)])],
    [one, piece(5, 0, [remove(7)])],
  ];
  for (const lines of wrong) {
    assert.equal((await follow(lines)).length, 1, JSON.stringify(lines));
  }
});

Deno.test("WebhookCopy takes what comes again once, and notices what comes too late for the first time", async () => {
  const report = new Report(() => {});
  await using copy = new WebhookCopy(report, new Prng(1n));
  copy.isCalm = true;
  const table = (...ids: readonly number[]): Tables => {
    const rows = new Map(
      ids.map((id) => [String(id), new Map([["v", cells.integer(String(id))]])] as const),
    );
    return new Map([["t", { hasRowId: true, keyColumns: ["v"], rows }]]);
  };
  copy.begin(table());
  const send = async (node: string, ...groups: readonly (readonly [number, ...unknown[]])[]) => {
    const payload = groups.map(([index, ...events]) => ({ index, events }));
    const body = JSON.stringify({ node_id: node, payload });
    await (await fetch(copy.url, { method: "POST", body })).body?.cancel();
  };
  await send("a", [3, insert(1)], [5, insert(2)], [5, remove(1)]);
  await send("b", [3, insert(1)], [5, insert(2)], [5, remove(1)], [6, insert(4)]);
  assert.equal(copy.differenceFrom(table(2, 4)), undefined);
  assert.match(copy.differenceFrom(table(2)) ?? "", /key 4/);
  // What one node tells in one group another may have cut, before it goes on and later.
  await send("b", [7, insert(5), insert(6)]);
  await send("a", [7, insert(5)], [7, insert(6), insert(7)]);
  await send("a", [8, remove(4)]);
  await send("b", [7, insert(5), insert(6)], [7, insert(7)], [8, remove(4)]);
  assert.equal(copy.differenceFrom(table(2, 5, 6, 7)), undefined);
  assert.deepEqual(report.violations, []);
  await send("c", [8, remove(4)], [7, {
    error: "changes of the entries from index 6 to 7 are lost",
  }]);
  assert.deepEqual(report.violations, []);
  assert.equal(copy.mustReadAgain, false);
  await send("c", [10, { error: "changes of the entries from index 9 to 10 are lost" }]);
  assert.equal(copy.mustReadAgain, true);
  await send("c", [11, insert(9)]);
  await send("d", [9, insert(10)]);
  assert.deepEqual(report.violations, []);
  await send("a", [4, insert(8)]);
  assert.match(report.violations[0] ?? "", /entry 4, behind 11, for the first time/);
});

Deno.test("WebhookCopy leaves out rows whose keys JSON does not tell apart, and compares the others", async () => {
  const report = new Report(() => {});
  await using copy = new WebhookCopy(report, new Prng(1n));
  copy.isCalm = true;
  const table = (...cellsOfKeys: readonly string[]): Tables => {
    const rows = new Map(
      cellsOfKeys.map((k, i) => [k, new Map([["k", k], ["v", `integer:${i}`]])]),
    );
    return new Map([["t", { hasRowId: false, keyColumns: ["k"], rows }]]);
  };
  const [emptyText, emptyBlob, other] = ["text:", "blob:", "text:61"];
  copy.begin(table(other, emptyText, emptyBlob));
  const payload = [{ index: 3, events: [{ op: "delete", table: "t", before: { k: "", v: 1 } }] }];
  const body = JSON.stringify({ node_id: "a", payload });
  await (await fetch(copy.url, { method: "POST", body })).body?.cancel();
  assert.equal(copy.differenceFrom(table(other, emptyBlob)), undefined);
  assert.match(copy.differenceFrom(table()) ?? "", /table t/);
  assert.deepEqual(report.violations, []);
});
