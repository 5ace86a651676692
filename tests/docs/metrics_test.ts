import assert from "node:assert/strict";
import type { ArchiveFigures } from "../../src/backup/archive/types.ts";
import type { AutoBackupFigures } from "../../src/backup/types.ts";
import { archiveFamilies, backupFamilies } from "../../src/metrics/backup_families.ts";
import { accessFamilies } from "../../src/metrics/access_families.ts";
import type { CdcFigures } from "../../src/cdc/types.ts";
import { cdcFamilies, changesFamilies } from "../../src/metrics/changes_families.ts";
import { httpThreadFamilies } from "../../src/metrics/thread_families.ts";
import { standbyFamilies } from "../../src/metrics/standby_families.ts";
import type { StandbyFigures } from "../../src/standby/types.ts";
import { auditFamilies } from "../../src/metrics/audit_families.ts";
import { appWith, FakeService } from "../http/fake_service.ts";

const docs = new URL("../../docs/", import.meta.url);
const backupFigures: AutoBackupFigures = {
  destination: "",
  intervalMs: 1,
  lastIndex: 0,
  lastUploadTime: undefined,
  lastUploadMs: 0,
  lastUploadBytes: 0,
  totalUploadBytes: 0,
  uploadsOk: 0,
  uploadsFailed: 0,
  skippedUnchanged: 0,
  skippedEqual: 0,
  looksFailed: 0,
  failing: undefined,
  retentionFailure: undefined,
  verification: undefined,
};

const archiveFigures: ArchiveFigures = {
  target: "",
  index: 0,
  entriesBehind: 0,
  piecesShipped: 0,
  bytesShipped: 0,
  basesMade: 0,
  gaps: 0,
  lastShippedTime: undefined,
  lastBaseIndex: 0,
  lastBaseTime: undefined,
  failing: undefined,
  trim: undefined,
};

const standbyFigures: StandbyFigures = {
  target: "",
  cluster: "",
  index: 0,
  entriesBehind: 0,
  msBehind: 0,
  lastWriteTime: 0,
  piecesApplied: 0,
  bytesFetched: 0,
  basesTaken: 0,
  failing: undefined,
  damage: undefined,
  copiesReplaced: 0,
};

const cdcFigures: CdcFigures = {
  sink: "",
  nodeId: "",
  serviceId: "",
  leads: false,
  highWatermark: 0,
  entriesBehind: 0,
  messagesSent: 0,
  groupsSent: 0,
  eventsSent: 0,
  failures: 0,
  abandoned: 0,
  gaps: 0,
  failing: undefined,
};

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
  const families = [
    ...accessFamilies({ ok: 0, failed: 0 }),
    ...auditFamilies({ written: 0, lost: 0, canWrite: true }),
    ...httpThreadFamilies([], 0),
    ...backupFamilies(backupFigures),
    ...archiveFamilies(archiveFigures),
    ...standbyFamilies(standbyFigures),
    ...cdcFamilies(cdcFigures),
    ...changesFamilies({ oldest: 1, last: 0, bytes: 0, bytesMax: 1 }),
  ];
  for (const { name, help, type } of families) {
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
