import type { Prng } from "../../src/base/prng.ts";
import type { NodeLimits, NodeTiming, SnapshotPolicy } from "../../src/node/types.ts";
import type { DiskFaults } from "./simulated_log.ts";
import type { NetworkFaults } from "./simulated_network.ts";
import type { StoreFaults } from "./toy_state_machine.ts";

/** What can be done to a cluster from outside while it works. */
export const disturbances = [
  /** The members fall into two groups that cannot talk. */
  "partition",
  /** The leader alone is cut off. */
  "isolate_leader",
  /** One node can send and not receive, or receive and not send. */
  "one_way",
  /** A program dies; what it had handed to the system survives. */
  "crash",
  /** A machine loses its power, and with it what was not synced. */
  "power_cut",
  /** All machines lose their power at once. */
  "blackout",
  /** SIGSTOP and, later, SIGCONT: time goes on meanwhile. */
  "freeze",
  /** A machine sleeps: its timers stand still with it, and its clock knows of that when it wakes. */
  "sleep",
  /** Its host suspends a virtual machine: its clock stands still with it, and never knows of that. */
  "suspend",
  "slow_disk",
  "slow_store",
  "add_member",
  "remove_member",
  /** A member loses its disk for good, and comes back empty under its old name. */
  "replace_disk",
  "transfer",
  /** Followers are stopped, and started at once with other times: the leader comes last. */
  "change_flags",
  /** A program ends, and comes back at another address; or all of them do. */
  "move",
  "move_all",
  /** Checkpoint and cut the log now, to the last entry. */
  "compact",
] as const;
export type Disturbance = (typeof disturbances)[number];

/** Everything about one run that its seed decides beforehand. */
export interface Plan {
  readonly voters: number;
  readonly learners: number;
  /** The learners are standbys, and soon get the places of voters that are gone. */
  readonly standbys: boolean;
  /** Every founding member's log begins with the configuration; else only the first one's. */
  readonly allFound: boolean;
  readonly clients: number;
  /** Besides, clients that do nothing but read at `weak`, where a leader is, all the time. */
  readonly weakReaders: number;
  readonly keys: number;
  /** Longest pause between two calls of a client, in ms. */
  readonly thinkMsMax: number;
  readonly safetyMs: number;
  readonly network: NetworkFaults;
  readonly disk: DiskFaults;
  /** The program's own log on a simulated disk, in place of the log in memory. */
  readonly segmentedLog: boolean;
  readonly store: StoreFaults;
  /** Each with the mean time between two of its kind, in ms. */
  readonly disturbances: ReadonlyMap<Disturbance, number>;
  /** Node clocks run at 1 ± this. */
  readonly drift: number;
  /** By the flags that all nodes begin with, and by those that are given to some of them then. */
  readonly timings: readonly [NodeTiming, NodeTiming];
  readonly limits: NodeLimits;
  readonly snapshots: SnapshotPolicy;
  /** Weak reads rest on the leader's lease: what they see is checked only where clocks keep to its terms. */
  readonly leaseHolds: boolean;
}

/** As in the program, but for the length of a tick, which each run draws. */
export const ticks = { electionTicks: 10, heartbeatTicks: 2, leaseTicks: 8 };

/**
 * How far clocks may differ for the lease to hold: it lasts four fifths of what the followers have
 * promised, so that the fastest clock may run 1.25 times as fast as the slowest. Each may be 10 % off.
 */
export const driftWithinLease = 0.1;

/** Conditions under which the cluster must make progress. */
export const calmNetwork: NetworkFaults = {
  latencyMsMin: 1,
  latencyMsMax: 10,
  loss: 0,
  duplicate: 0,
  straggle: 0,
  straggleMsMax: 0,
  interrupt: 0,
};
export const calmDisk: DiskFaults = {
  syncMsMin: 1,
  syncMsMax: 5,
  stall: 0,
  stallMsMax: 0,
  full: 0,
  failed: 0,
};
export const calmStore: StoreFaults = { applyMsMax: 3, checkpointMsMax: 20, damage: 0 };

/**
 * Draws a run's faults. Each kind is there or not, and mild or wild, by itself: runs in which all
 * happens at once hide what a few alone bring out (swarm testing, Groce and others 2012).
 */
export function drawPlan(random: Prng): Plan {
  const sometimes = (probability: number, value: () => number) =>
    random.chance(probability) ? value() : 0;
  const mild = (max: number) => (random.uint32() / 0x1_0000_0000) ** 2 * max;
  const network: NetworkFaults = {
    latencyMsMin: 1,
    latencyMsMax: random.pick([5, 5, 20, 100]),
    loss: sometimes(0.5, () => mild(0.3)),
    duplicate: sometimes(0.4, () => mild(0.3)),
    straggle: sometimes(0.4, () => mild(0.3)),
    straggleMsMax: random.pick([50, 300, 3000]),
    interrupt: sometimes(0.4, () => mild(0.2)),
  };
  const disk: DiskFaults = {
    syncMsMin: 1,
    syncMsMax: random.pick([3, 3, 20]),
    stall: sometimes(0.3, () => mild(0.2)),
    stallMsMax: random.pick([50, 500, 2000]),
    full: sometimes(0.15, () => mild(0.2)),
    failed: sometimes(0.1, () => mild(0.02)),
  };
  const store: StoreFaults = {
    applyMsMax: random.pick([2, 2, 20]),
    checkpointMsMax: random.pick([5, 50, 500]),
    damage: sometimes(0.2, () => mild(0.5)),
  };
  const enabled = new Map<Disturbance, number>();
  for (const disturbance of disturbances) {
    if (random.chance(0.3)) enabled.set(disturbance, random.pick([500, 1500, 3000, 10000]));
  }
  const drift = random.pick([0, driftWithinLease, driftWithinLease, 0.3]);
  const plan: Plan = {
    voters: random.pick([3, 3, 3, 3, 3, 3, 5, 5, 5, 4, 2, 1]),
    allFound: random.chance(0.5),
    learners: sometimes(0.3, () => 1 + random.below(2)),
    standbys: random.chance(0.5),
    clients: 2 + random.below(4),
    weakReaders: random.pick([0, 1, 2]),
    keys: 1 + random.below(3),
    thinkMsMax: random.pick([50, 200, 200, 1000]),
    safetyMs: 10_000,
    network,
    disk,
    segmentedLog: random.chance(0.15),
    store,
    disturbances: enabled,
    drift,
    timings: [
      { ...ticks, tickMs: random.pick([20, 50, 100]) },
      { ...ticks, tickMs: random.pick([20, 50, 100]) },
    ],
    limits: {
      pendingWritesMax: random.pick([4, 1000]),
      commandBytesMax: 1 << 20,
      pendingBytesMax: 1 << 20,
      pendingReadsMax: random.pick([4, 1000]),
      applyBytesMax: random.pick([100, 1 << 20]),
      appendBytesMax: random.pick([60, 1000, 1 << 20]),
      inflightMax: random.pick([1, 4, 64]),
      cacheBytesMax: random.pick([0, 500, 1 << 20]),
    },
    snapshots: {
      entries: random.pick([10, 40, 1 << 30]),
      logBytes: 1 << 30,
      intervalMs: random.pick([200, 1000]),
      trailing: random.pick([0, 5, 20]),
      // Ten entries of the simulated log.
      trailingBytes: 640,
    },
    leaseHolds: drift <= driftWithinLease && !enabled.has("suspend"),
  };
  if (random.chance(0.15)) return aboutLease(random, plan);
  if (random.chance(0.1)) return aboutStandbys(random, plan);
  if (random.chance(0.12)) return aboutLogs(random, plan);
  return random.chance(0.12) ? aboutMembership(random, plan) : plan;
}

/**
 * The same, with logs that part from one another all the time, and come together again entry by
 * entry: leaders that are cut off or die while they write, and requests of one entry each.
 */
function aboutLogs(random: Prng, plan: Plan): Plan {
  const disturbances = new Map<Disturbance, number>([
    ["isolate_leader", random.pick([500, 1500])],
    [random.pick(["crash", "power_cut", "one_way", "partition"]), 1500],
  ]);
  if (random.chance(0.3)) disturbances.set("slow_disk", 2000);
  const { network, limits, timings: [, second] } = plan;
  return {
    ...plan,
    voters: random.pick([3, 5, 5]),
    learners: 0,
    clients: 5,
    thinkMsMax: 50,
    disturbances,
    network: { ...network, latencyMsMax: random.pick([20, 100]) },
    timings: [{ ...ticks, tickMs: 20 }, second],
    limits: { ...limits, appendBytesMax: 60, inflightMax: random.pick([1, 4]) },
  };
}

/** The same, with members that come and go all the time, under leaders that do so as well. */
function aboutMembership(random: Prng, plan: Plan): Plan {
  const disturbances = new Map<Disturbance, number>([
    ["add_member", 500],
    ["remove_member", random.pick([500, 1500])],
    ["isolate_leader", random.pick([1000, 3000])],
  ]);
  for (const one of ["partition", "crash", "one_way", "transfer", "compact"] as const) {
    if (random.chance(0.4)) disturbances.set(one, 2000);
  }
  const { timings: [, second] } = plan;
  return {
    ...plan,
    voters: random.pick([3, 3, 4]),
    disturbances,
    timings: [{ ...ticks, tickMs: 20 }, second],
  };
}

/** The same, with standbys, and voters that are gone for long enough to be replaced by them. */
function aboutStandbys(random: Prng, plan: Plan): Plan {
  const disturbances = new Map<Disturbance, number>([["crash", 2000], ["isolate_leader", 3000]]);
  for (const one of ["power_cut", "partition", "move", "freeze", "transfer"] as const) {
    if (random.chance(0.3)) disturbances.set(one, 4000);
  }
  const voters = random.pick([3, 3, 5]);
  return { ...plan, voters, learners: 1 + random.below(2), standbys: true, disturbances };
}

/** Lengths of a tick in ms, before flags are changed and afterwards. */
const shorter = [100, 20] as const;
const longer = [20, 100] as const;

/**
 * The same, with nothing but what a lease may break by: leaders that sleep or are cut off, over and
 * over, by followers whose flags are others by then, and clients that read there while others write.
 * A lease that is too long shows for a few ticks only.
 */
function aboutLease(random: Prng, plan: Plan): Plan {
  const [first, second] = random.pick([shorter, shorter, shorter, longer]);
  return {
    ...plan,
    voters: random.pick([3, 3, 5]),
    learners: 0,
    keys: 1,
    clients: 4,
    thinkMsMax: 50,
    weakReaders: 2,
    disturbances: new Map([
      ["isolate_leader", 1000],
      ["change_flags", 1000],
      ["transfer", 1500],
      ["sleep", 1500],
    ]),
    timings: [{ ...ticks, tickMs: first }, { ...ticks, tickMs: second }],
    drift: Math.min(plan.drift, driftWithinLease),
    leaseHolds: true,
  };
}
