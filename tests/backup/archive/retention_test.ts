import { strict as assert } from "node:assert";
import type { BaseRecord } from "../../../src/backup/archive/layout.ts";
import { beginningFor, type Retention } from "../../../src/backup/archive/retention.ts";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 10, 1);

/** Base copies made at these days, one each ten entries. */
function basesAt(days: readonly number[]): BaseRecord[] {
  return days.map((at, number) => ({
    version: 1,
    cluster: "00000000000000aa",
    index: 10 * (number + 1),
    term: 1,
    time: start + at * day,
    key: "",
    sizeBytes: 0,
    sha256: "",
    contentSha256: "",
    sqlite: "3",
  }));
}

function begins(
  days: readonly number[],
  retention: Partial<Retention>,
  now: number,
): number | undefined {
  const all = { keepMs: 0, bases: 0, gapMsMax: 2 * day, ...retention };
  return beginningFor(basesAt(days), all, start + now * day)?.index;
}

const tenDays = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

Deno.test("beginningFor() keeps the base copy before the moment that is to be restored, or so many, or both", () => {
  assert.equal(begins(tenDays, {}, 9), undefined);
  assert.equal(begins(tenDays, { keepMs: 3 * day }, 9.5), 70);
  assert.equal(begins(tenDays, { keepMs: 3 * day }, 9), 70);
  assert.equal(begins(tenDays, { keepMs: 9 * day }, 9.5), undefined);
  assert.equal(begins(tenDays, { keepMs: 30 * day }, 9.5), undefined);
  assert.equal(begins(tenDays, { bases: 2 }, 9.5), 90);
  assert.equal(begins(tenDays, { bases: 10 }, 9.5), undefined);
  assert.equal(begins(tenDays, { bases: 20 }, 9.5), undefined);
  assert.equal(begins(tenDays, { bases: 5, keepMs: 3 * day }, 9.5), 60);
  assert.equal(begins(tenDays, { bases: 2, keepMs: 3 * day }, 9.5), 70);
  assert.equal(begins([], { bases: 2, keepMs: day }, 9.5), undefined);
  assert.equal(begins([0], { bases: 1, keepMs: day }, 900), undefined);
});

Deno.test("beginningFor() never lets go of the newest, however old", () => {
  assert.equal(begins([0, 1, 2], { keepMs: hour }, 2.5), 30);
  assert.equal(begins([0, 1, 2], { bases: 1 }, 2.5), 30);
});

Deno.test("beginningFor() loses two intervals at most to a clock that was set by years and back", () => {
  const ahead = 3650;
  // While it is ahead, with and without a copy made under it, and when it was put right.
  assert.equal(begins(tenDays, { keepMs: 5 * day }, 9 + ahead), 70);
  assert.equal(begins([...tenDays, 9.1 + ahead], { keepMs: 5 * day }, 9.2 + ahead), 70);
  assert.equal(begins([...tenDays, 9.1 + ahead, 10], { keepMs: 5 * day }, 10.5), 70);
  // 1970, and put right.
  assert.equal(begins([...tenDays, -20_000], { keepMs: 5 * day }, -20_000 + 0.1), 50);
  assert.equal(begins([...tenDays, -20_000, 10], { keepMs: 5 * day }, 10.5), 70);
  assert.equal(begins([...tenDays, 10, 11], { keepMs: 5 * day }, 3), 70);
});
