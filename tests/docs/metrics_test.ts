import assert from "node:assert/strict";
import { accessFamilies } from "../../src/metrics/access_families.ts";
import { auditFamilies } from "../../src/metrics/audit_families.ts";
import { appWith, FakeService } from "../http/fake_service.ts";

const docs = new URL("../../docs/", import.meta.url);
const page = new URL("monitoring.md", docs);

for (const file of ["monitoring/alerts.yml", "monitoring/dashboard.json"]) {
  Deno.test(`docs/${file} asks for metrics that there are`, async () => {
    const { fetch } = appWith(new FakeService());
    const text = await (await fetch("/metrics")).text();
    const names = new Set(text.matchAll(/^# TYPE (\S+)/gm).map(([, name]) => name));
    const asked = (await Deno.readTextFile(new URL(file, docs)))
      .matchAll(/\b((?:raftlite|process)_\w+)/g)
      .map(([, name = ""]) => name.replace(/_(?:bucket|sum|count)$/, ""));
    const wanted = [...new Set(asked)];
    assert.ok(wanted.length > 10);
    assert.deepEqual(wanted.filter((name) => !names.has(name)), []);
  });
}

Deno.test("docs/monitoring.md names every metric, with its type and its help", async () => {
  const { fetch } = appWith(new FakeService());
  const text = await (await fetch("/metrics")).text();
  const helps = new Map(
    text.matchAll(/^# HELP (\S+) (.*)$/gm).map(([, name = "", help = ""]) => [name, help]),
  );
  const types = new Map(
    text.matchAll(/^# TYPE (\S+) (.*)$/gm).map(([, name = "", type = ""]) => [name, type]),
  );
  const others = [
    ...accessFamilies({ ok: 0, failed: 0 }),
    ...auditFamilies({ written: 0, lost: 0, canWrite: true }),
  ];
  for (const { name, help, type } of others) {
    helps.set(name, help);
    types.set(name, type);
  }
  const rows = (await Deno.readTextFile(page)).matchAll(
    /^\| `(\w+)` *\| (\w+) *\|[^|]*\| ([^|]*)\|/gm,
  );
  const documented = rows.map(([, name = "", type = "", help = ""]) =>
    [name, { type, help }] as const
  );
  const described = new Map(documented);
  assert.deepEqual([...described.keys()].sort(), [...helps.keys()].sort());
  for (const [name, { type, help }] of described) {
    assert.equal(type, types.get(name), name);
    assert.ok(help.startsWith(helps.get(name) ?? name), name);
  }
});
