import type { Prng } from "../../src/base/prng.ts";

/** What is done to a cluster, by whose names it is counted. */
export const faultNames = {
  /** To its processes, its members and its data as a whole: one at a time. */
  cluster: [
    "kill",
    "kill two",
    "kill all",
    "stop and start",
    "rolling restart",
    "transfer",
    "replace a member",
    "read replica",
    "load a file",
    "backup",
    "snapshot",
    "endpoint down",
    "upgrade",
  ],
  /** To what nodes stand on. */
  surroundings: [
    "freeze",
    "isolate",
    "split",
    "one way",
    "slow network",
    "reset",
    "slow syncs",
    "slow disk",
    "sync fails",
    "full disk",
    "clock jumps",
  ],
} as const;

export type Lane = keyof typeof faultNames;

export type FaultName = typeof faultNames[Lane][number];

/** One fault, as its seed has it: how long after the one before it, and for how long. */
export interface PlannedFault {
  readonly name: FaultName;
  readonly pauseMs: number;
  readonly lastsMs: number;
  /** Whatever else is drawn, such as the node, is drawn from this. */
  readonly seed: bigint;
}

export type Schedule = Readonly<Record<Lane, readonly PlannedFault[]>>;

const faultsMax = 200;

/** Draws what will happen; those that nothing here can make are left out. */
export function drawSchedule(random: Prng, missing: ReadonlySet<FaultName>): Schedule {
  const draw = (lane: Lane) => {
    const names: readonly FaultName[] = faultNames[lane];
    const possible = names.filter((name) => !missing.has(name));
    // Each of them comes before any comes again, so that a short run has many.
    let left: FaultName[] = [];
    return Array.from({ length: faultsMax }, (): PlannedFault => {
      if (left.length === 0) left = [...possible];
      const [name = "kill"] = left.splice(random.below(left.length), 1);
      return {
        name,
        pauseMs: 200 + random.below(1_500),
        lastsMs: 300 + random.below(random.chance(0.2) ? 6_000 : 2_500),
        seed: random.uint64(),
      };
    });
  };
  return { cluster: draw("cluster"), surroundings: draw("surroundings") };
}

/** One line for each of the first faults of a lane. */
export function textOf(schedule: Schedule, first: number): string[] {
  return (Object.keys(faultNames) as Lane[]).map((lane) => {
    const faults = schedule[lane].slice(0, first).map(({ name, pauseMs, lastsMs }) =>
      `+${pauseMs} ${name} ${lastsMs}`
    );
    return `${lane} (ms): ${faults.join(", ")}`;
  });
}
