import assert from "node:assert/strict";
import { Expiry } from "../../src/backup/expiry.ts";
import { ManualClock } from "../transport/fixture.ts";

const day = 86_400_000;

/** Backups that were made at these times. */
function madeAt(...times: readonly number[]) {
  return times.map((time) => ({
    id: time,
    key: `${time}`,
    time,
    sizeBytes: 0,
    sha256: "",
    contentSha256: "",
  }));
}

/** A clock whose wall time can be set. */
class SetClock extends ManualClock {
  wall = 0;
  override wallTime(): number {
    return this.wall;
  }
}

Deno.test("Expiry keeps the newest, as many as wanted, and none that is too old for longer than a while", () => {
  const all = madeAt(1, 2, 3, 4);
  const times = (keepCount: number, keepMs: number) => {
    const clock = new SetClock();
    clock.wall = 10;
    const expiry = new Expiry({ keepCount, keepMs }, clock);
    const before = expiry.of(all);
    clock.jump(keepMs);
    return [before, expiry.of(all)].map((backups) => backups.map(({ time }) => time));
  };
  assert.deepEqual(times(0, 0), [[], []]);
  assert.deepEqual(times(3, 0), [[1], [1]]);
  assert.deepEqual(times(0, 7), [[], [1, 2]]);
  assert.deepEqual(times(0, 1), [[], [1, 2, 3]]);
  assert.deepEqual(times(1, 0), [[1, 2, 3], [1, 2, 3]]);
  assert.deepEqual(times(3, 1), [[1], [1, 2, 3]]);
});

Deno.test("Expiry lets no backup go by a clock that is ahead by years, and is put right within an hour", () => {
  const clock = new SetClock();
  const expiry = new Expiry({ keepCount: 0, keepMs: 7 * day }, clock);
  const all = madeAt(1 * day, 2 * day, 3 * day);
  clock.wall = 4 * day;
  assert.deepEqual(expiry.of(all), []);
  clock.wall = 4_000 * day;
  const withOneMore = [...all, ...madeAt(clock.wall)];
  for (let minutes = 0; minutes < 59; minutes++) {
    assert.deepEqual(expiry.of(withOneMore), []);
    clock.jump(60_000);
  }
  clock.wall = 4.1 * day;
  assert.deepEqual(expiry.of(withOneMore), []);
  clock.jump(day);
  clock.wall = 8.5 * day;
  assert.deepEqual(expiry.of(withOneMore), [], "it is too old only since now");
  clock.jump(3_600_000);
  assert.deepEqual(expiry.of(withOneMore), all.slice(0, 1));
});
