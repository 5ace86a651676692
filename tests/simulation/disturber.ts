import type { Prng } from "../../src/base/prng.ts";
import type { Machine, World } from "./machine.ts";
import type { Disturbance } from "./plan.ts";

/** Does to the cluster, at random times, what its plan says can happen to it. */
export class Disturber {
  readonly counts = new Map<Disturbance, number>();
  readonly #world: World;
  readonly #random: Prng;
  readonly #machines: readonly Machine[];
  #ended = false;
  /** One at a time of each: two at once could take the majority away. */
  #adding = false;
  #removing = false;
  /** A voter is without its disk: no other may go before it is back. */
  #replacing = false;

  constructor(world: World, random: Prng, machines: readonly Machine[]) {
    this.#world = world;
    this.#random = random;
    this.#machines = machines;
  }

  start(): void {
    for (const [disturbance, meanMs] of this.#world.plan.disturbances) {
      this.#repeat(disturbance, meanMs);
    }
  }

  /** Nothing more happens. */
  end(): void {
    this.#ended = true;
  }

  #repeat(disturbance: Disturbance, meanMs: number): void {
    this.#world.queue.schedule(this.#random.below(2 * meanMs), () => {
      if (this.#ended) return;
      if (this.#disturb(disturbance)) {
        this.counts.set(disturbance, (this.counts.get(disturbance) ?? 0) + 1);
      }
      this.#repeat(disturbance, meanMs);
    });
  }

  /** Later, unless the time for it is over. */
  #later(delayMsMax: number, run: () => void): void {
    this.#world.queue.schedule(this.#random.below(delayMsMax), () => {
      if (!this.#ended) run();
    });
  }

  #pick(machines: readonly Machine[]): Machine | undefined {
    return machines[this.#random.below(Math.max(1, machines.length))];
  }

  #running(): Machine[] {
    return this.#machines.filter(({ running }) => running !== undefined);
  }

  #leader(): Machine | undefined {
    return this.#running()
      .filter(({ running }) => running?.node.isLeader)
      .sort((a, b) => (b.running?.node.status.term ?? 0) - (a.running?.node.status.term ?? 0))[0];
  }

  /** Often the leader: most of what can go wrong does so there. */
  #victim(): Machine | undefined {
    return this.#random.chance(0.4)
      ? this.#leader() ?? this.#pick(this.#running())
      : this.#pick(this.#running());
  }

  /** False when there was nothing to disturb. */
  #disturb(disturbance: Disturbance): boolean {
    switch (disturbance) {
      case "partition":
        return this.#partition();
      case "isolate_leader":
        return this.#isolate(this.#leader(), true, true);
      case "one_way": {
        const receives = this.#random.chance(0.5);
        return this.#isolate(this.#victim(), receives, !receives);
      }
      case "crash":
        return this.#crash(this.#victim(), "process");
      case "power_cut":
        return this.#cutPower(this.#victim());
      case "blackout":
        for (const machine of this.#running()) this.#crash(machine, "power");
        return true;
      case "freeze":
      case "suspend":
        return this.#freeze(this.#victim(), disturbance);
      case "sleep":
        return this.#sleep(this.#victim());
      case "slow_disk":
      case "slow_store":
        return this.#slow(this.#victim(), disturbance);
      case "add_member":
        return this.#add();
      case "remove_member":
        return this.#remove();
      case "replace_disk":
        return this.#replaceDisk();
      case "transfer":
        return this.#transfer();
      case "change_flags":
        return this.#changeFlags();
      case "move":
        return this.#move(this.#victim());
      case "move_all":
        for (const machine of this.#running()) this.#move(machine);
        return true;
      case "compact":
        return this.#compact(this.#victim());
    }
  }

  #cut(from: Machine, to: Machine): void {
    this.#world.network.cut(from.address, to.address);
  }

  #healLater(): void {
    this.#later(this.#random.pick([500, 3000, 6000]), () => {
      this.#world.trace.event("heal", "");
      this.#world.network.heal();
    });
  }

  #partition(): boolean {
    const sides = this.#machines.map((machine) => ({ machine, left: this.#random.chance(0.5) }));
    for (const from of sides) {
      for (const to of sides) if (from.left !== to.left) this.#cut(from.machine, to.machine);
    }
    const left = sides.filter((side) => side.left).map(({ machine }) => machine.id);
    this.#world.trace.event("partition", "", ...left);
    this.#healLater();
    return true;
  }

  #isolate(victim: Machine | undefined, sending: boolean, receiving: boolean): boolean {
    if (victim === undefined) return false;
    for (const machine of this.#machines) {
      if (machine === victim) continue;
      if (sending) this.#cut(victim, machine);
      if (receiving) this.#cut(machine, victim);
    }
    this.#world.trace.event("isolate", victim.id, sending ? 1 : 0, receiving ? 1 : 0);
    this.#healLater();
    return true;
  }

  #crash(victim: Machine | undefined, kind: "process" | "power"): boolean {
    if (victim === undefined) return false;
    victim.crash(kind);
    this.#later(this.#random.pick([50, 1000, 4000]), () => victim.start());
    return true;
  }

  #cutPower(victim: Machine | undefined): boolean {
    if (victim === undefined) return false;
    victim.cutPower(() => this.#later(this.#random.pick([50, 1000, 4000]), () => victim.start()));
    return true;
  }

  #move(victim: Machine | undefined): boolean {
    if (victim === undefined) return false;
    victim.crash("process");
    victim.move();
    this.#later(this.#random.pick([50, 1000]), () => victim.start());
    return true;
  }

  /** Of one follower, or of all at once, by an operator in a hurry. */
  #changeFlags(): boolean {
    const leader = this.#leader();
    const followers = this.#running().filter((machine) => machine !== leader);
    const one = this.#pick(followers);
    if (one === undefined) return false;
    for (const victim of this.#random.chance(0.5) ? followers : [one]) {
      victim.crash("process");
      victim.changeFlags();
      victim.start();
    }
    return true;
  }

  #freeze(victim: Machine | undefined, kind: "freeze" | "sleep" | "suspend"): boolean {
    if (victim === undefined) return false;
    victim.freeze(kind);
    this.#later(this.#random.pick([300, 3000, 6000]), () => victim.wake());
    return true;
  }

  /** Nothing reaches a machine that sleeps, nor for a while one that wakes: what was lost is sent later. */
  #sleep(victim: Machine | undefined): boolean {
    return this.#freeze(victim, "sleep") && this.#isolate(victim, true, true);
  }

  #slow(victim: Machine | undefined, kind: "slow_disk" | "slow_store"): boolean {
    if (victim === undefined) return false;
    const { disk, store } = this.#world.plan;
    this.#world.trace.event(kind, victim.id);
    if (kind === "slow_disk") victim.diskFaults = { ...disk, syncMsMin: 20, syncMsMax: 400 };
    else victim.storeFaults = { ...store, applyMsMax: 300, checkpointMsMax: 1000 };
    this.#later(4000, () => {
      if (kind === "slow_disk") victim.diskFaults = disk;
      else victim.storeFaults = store;
    });
    return true;
  }

  /** A spare machine joins, or one that has been removed comes back with an empty disk. */
  #add(): boolean {
    const spare = this.#machines.find((machine) => !machine.member);
    if (spare === undefined || this.#adding) return false;
    this.#adding = true;
    this.#join(spare, () => this.#adding = false);
    return true;
  }

  /** Asks one member after the other until one says yes; nothing else gives a new node a cluster. */
  #join(machine: Machine, done: () => void): void {
    const suffrage = this.#random.chance(0.8) ? "staging" : "learner";
    const attempt = () => {
      const host = this.#pick(this.#machines.filter((other) => other.member && other !== machine));
      if (machine.member || host === undefined) return done();
      // One that runs goes on asking; one that was refused, or died, is started anew.
      machine.start({ address: host.address, suffrage });
      this.#world.queue.schedule(200, attempt);
    };
    attempt();
  }

  #remove(): boolean {
    const leader = this.#leader();
    const voters = this.#fewestVoters();
    const victim = this.#pick(this.#machines.filter(({ member }) => member));
    const host = this.#random.chance(0.5) ? leader : this.#pick(this.#running());
    if (
      host?.running === undefined || victim?.running === undefined || voters < 3 ||
      this.#removing ||
      // It could not be started again without being told to join.
      victim.running.node.lastIndex === 0 ||
      this.#replacing
    ) {
      return false;
    }
    this.#removing = victim.leaving = true;
    this.#world.trace.event("remove", victim.id, host.id);
    let ended = false;
    const end = (removed: boolean) => {
      if (ended) return;
      ended = true;
      this.#removing = victim.leaving = false;
      // One that was started again meanwhile may have asked to be let back in, and been heard.
      if (removed && !this.#isKnown(victim)) victim.wipe();
    };
    host.running.process.run(() => {
      host.running?.service.remove(victim.id).then(() => end(true), () => end(false));
    });
    this.#world.queue.schedule(12_000, () => end(false));
    return true;
  }

  /** Whether it is a member by what the leader has. */
  #isKnown({ serverId }: Machine): boolean {
    const members = this.#leader()?.running?.node.configuration.members ?? [];
    return members.some(({ id }) => id === serverId);
  }

  /** A member's disk is lost; the machine comes back empty, under its old name. */
  #replaceDisk(): boolean {
    const victim = this.#pick(this.#machines.filter(({ member }) => member));
    if (victim === undefined || this.#fewestVoters() < 3) return false;
    if (this.#adding || this.#removing || this.#replacing) return false;
    this.#replacing = true;
    victim.wipe();
    this.#join(victim, () => this.#replacing = false);
    return true;
  }

  /** The voters in the smallest configuration that any running member has, as far as these run. */
  #fewestVoters(): number {
    const counts = this.#running().filter(({ member }) => member).map(({ running }) =>
      running?.node.configuration.members.filter((m) => m.suffrage === "voter").length ?? 0
    );
    return Math.min(...counts, counts.length);
  }

  #transfer(): boolean {
    const host = this.#leader();
    const to = this.#random.chance(0.5) ? undefined : this.#pick(this.#machines)?.id;
    if (host === undefined) return false;
    this.#world.trace.event("transfer", host.id, to ?? "any");
    host.running?.process.run(() => {
      host.running?.service.stepDown(to, false).catch(() => {});
    });
    return true;
  }

  #compact(victim: Machine | undefined): boolean {
    if (victim === undefined) return false;
    const { running } = victim;
    this.#world.trace.event("compact", victim.id);
    running?.process.run(() => {
      running.service.snapshot(0).catch(() => {});
    });
    return true;
  }
}
