import { Prng } from "../../src/base/prng.ts";
import type { Scene } from "./fault.ts";
import { faults } from "./faults.ts";
import type { Lane, Schedule } from "./schedule.ts";

/** Does what a schedule says, each lane beside the other, until it is told to end. */
export class Disturber {
  readonly #scene: Scene;
  readonly #end = Promise.withResolvers<void>();
  #isOver = false;
  readonly #lanes: Promise<void>[];

  constructor(scene: Scene, schedule: Schedule) {
    this.#scene = scene;
    this.#lanes = (Object.keys(schedule) as Lane[]).map((lane) => this.#run(schedule, lane));
  }

  async #run(schedule: Schedule, lane: Lane): Promise<void> {
    const { report } = this.#scene;
    for (const { name, pauseMs, lastsMs, seed } of schedule[lane]) {
      await this.#pause(pauseMs);
      if (this.#isOver) return;
      const random = new Prng(seed);
      const pause = (ms: number) => this.#pause(ms);
      try {
        const done = await faults[name]({ scene: this.#scene, random, lastsMs, pause });
        report.count(done ? `fault: ${name}` : "faults that nothing could be done with");
      } catch (error) {
        report.thrown(`After ${name}`, error);
        return;
      }
    }
  }

  #pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
    return Promise.race([over, this.#end.promise]).finally(() => clearTimeout(timer));
  }

  /** Resolves once what was begun is mended. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#end.resolve();
    await Promise.all(this.#lanes);
  }
}
