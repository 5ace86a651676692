import { Prng } from "../../src/base/prng.ts";
import type { NodeProcess } from "../cluster/harness.ts";
import type { Gate } from "./gate.ts";
import type { Nodes } from "./nodes.ts";
import type { Report } from "./report.ts";
import { RequestFailed } from "./request.ts";
import type { Workload } from "./workload.ts";

const thinkMsMax = 60;

/** All clients of all workloads, each with one node for a while and then with another. */
export class Clients {
  readonly #nodes: Nodes;
  readonly #gate: Gate;
  readonly #report: Report;
  readonly #lives: Promise<void>[];
  #isOver = false;

  constructor(
    { nodes, gate, report, workloads, random }: {
      readonly nodes: Nodes;
      readonly gate: Gate;
      readonly report: Report;
      readonly workloads: readonly Workload[];
      readonly random: Prng;
    },
  ) {
    this.#nodes = nodes;
    this.#gate = gate;
    this.#report = report;
    this.#lives = workloads.flatMap((workload) =>
      Array.from(
        { length: workload.clients },
        (_, client) => this.#live(workload, client, new Prng(random.uint64())),
      )
    );
  }

  async #live(workload: Workload, client: number, random: Prng): Promise<void> {
    let home: NodeProcess | undefined;
    const any = () => {
      const running = this.#nodes.all.filter(({ running }) => running);
      const node = running[random.below(Math.max(1, running.length))] ?? this.#nodes.all[0];
      if (node === undefined) throw new RequestFailed("There is no node", "refused");
      return node;
    };
    while (!this.#isOver) {
      await new Promise((resolve) => setTimeout(resolve, random.below(thinkMsMax)));
      if (home?.running !== true || random.chance(0.05)) home = any();
      const site = { home, any, random };
      try {
        await this.#gate.pass(async () => {
          if (!this.#isOver) await workload.once(site, client);
        });
      } catch (error) {
        if (error instanceof RequestFailed) {
          this.#report.count("requests that failed");
          home = undefined;
          continue;
        }
        this.#report.thrown(`Client of ${workload.name}`, error);
        return;
      }
    }
  }

  /** Resolves once all have their last answer. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#gate.open();
    await Promise.all(this.#lives);
  }
}
