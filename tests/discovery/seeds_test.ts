import { strict as assert } from "node:assert";
import { Seeds } from "../../src/discovery/seeds.ts";
import type { Discovery } from "../../src/discovery/types.ts";
import { ManualClock } from "../transport/fixture.ts";

function subject(named: readonly string[], look?: () => Promise<readonly string[]>) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = {
    log: (level: string, _room: string, text: string) => {
      if (level !== "DEBUG") lines.push(`${level} ${text}`);
    },
  };
  const discovery: Discovery | undefined = look &&
    { mode: "dns", look, figures: () => ({}), registry: undefined };
  return { seeds: new Seeds({ named, discovery, clock, logger }), clock, lines };
}

Deno.test("Seeds are what the operator named and what discovery finds, each once", async () => {
  assert.equal(subject([]).seeds.none, true);
  assert.deepEqual(await subject(["a:1"]).seeds.addresses(), ["a:1"]);
  const { seeds, lines } = subject(["a:1"], () => Promise.resolve(["a:1", "b:1"]));
  assert.equal(seeds.none, false);
  assert.deepEqual(await seeds.addresses(), ["a:1", "b:1"]);
  assert.deepEqual(lines, ["INFO Discovery by dns found a:1, b:1"]);
});

Deno.test("Seeds keep what was found while discovery fails, say so once, and ask less and less", async () => {
  const answers: (readonly string[] | Error)[] = [["a:1"]];
  let asked = 0;
  const { seeds, clock, lines } = subject([], () => {
    asked++;
    const answer = answers.shift() ?? new Error("No such name");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  assert.equal(await seeds.look(), true);
  clock.jump(1_000);
  assert.equal(await seeds.look(), false);
  assert.equal(await seeds.look(), false);
  assert.equal(asked, 2);
  assert.deepEqual(await seeds.addresses(), ["a:1"]);
  for (let s = 0; s < 60; s++) {
    clock.jump(1_000);
    await seeds.look();
  }
  // After 1, 2, 4 and 8 s, then every 10 s.
  assert.equal(asked, 2 + 4 + 4);
  assert.equal(lines.filter((line) => /No such name/.test(line)).length, 1);
  answers.push(["b:1"]);
  clock.jump(10_000);
  assert.deepEqual(await seeds.addresses(), ["b:1"]);
  assert.equal(lines.at(-1), "INFO Discovery by dns found b:1");
});
