import { strict as assert } from "node:assert";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import type { CopyRequest, CopyResults } from "../../src/store/copy/copy_thread.ts";
import type { Copier } from "../../src/store/copy/copier.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { PageChecks } from "../../src/store/page_checks.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, silent } from "./fixture.ts";

const mebibyte = 0x10_0000;
const sizeBytes = 3 * mebibyte;

Deno.test("PageChecks goes on where something was in the way, until it has read all, once in an interval", () =>
  withDirectory(async (directory) => {
    const asked: number[] = [];
    let isInTheWay = false;
    const run = (request: CopyRequest): Promise<CopyResults["check_pages"]> => {
      assert.ok(request.type === "check_pages");
      const { from, bytesMax } = request;
      asked.push(from / mebibyte);
      if (isInTheWay) return Promise.reject(new Error("It is written too fast to be held"));
      const end = from + bytesMax;
      return Promise.resolve({ next: end < sizeBytes ? end : undefined, sizeBytes });
    };
    const copier = { run } as Pick<Copier, "run">;
    const clock = new SimulatedClock();
    const life = new LifeCycle();
    const checks = new PageChecks({
      library,
      path: `${directory}/db.sqlite`,
      disk: new DenoDisk(),
      copier,
      life,
      clock,
      logger: silent,
      intervalMs: 60_000,
    });
    await checks.begin();
    life.opened();
    await clock.advance(1500);
    isInTheWay = true;
    await clock.advance(2000);
    isInTheWay = false;
    await clock.advance(10_000);
    assert.deepEqual(asked, [0, 1, 1, 1, 2]);
    await clock.advance(60_000);
    assert.deepEqual(asked.slice(5), [0, 1, 2]);
    checks.end();
  }));
