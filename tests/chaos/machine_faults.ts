import type { FaultyMachine } from "./faulty_machine.ts";
import type { Fault, FaultParts } from "./fault.ts";

/** Does something to the machine of one node, and takes it back. */
function onMachine(
  what: string,
  worsen: (machine: FaultyMachine, parts: FaultParts) => void,
): Fault {
  return async (parts) => {
    const { scene: { nodes, report }, random, lastsMs, pause } = parts;
    using taken = await nodes.take(random);
    const machine = taken && nodes.machineOf(taken.node);
    if (taken === undefined || machine === undefined) return false;
    report.note(`${what}: ${taken.what} for ${lastsMs} ms`);
    worsen(machine, parts);
    await pause(lastsMs);
    machine.heal();
    // One that has stopped for it is started again by now, or is about to be.
    await nodes.ready(taken.node);
    return true;
  };
}

/** What happens to disks and clocks. */
export const machineFaults = {
  "slow syncs": onMachine("slow syncs", (machine, { random }) => {
    machine.set("syncMs", 20 + random.below(600));
  }),
  "slow disk": onMachine("slow disk", (machine, { random }) => {
    machine.set("writeMs", 1 + random.below(60));
  }),
  "sync fails": onMachine("a sync fails", (machine) => machine.set("syncFails", 1)),
  "full disk": onMachine("full disk", (machine) => machine.set("full", 1)),
  "clock jumps": onMachine("the clock jumps", (machine, { random }) => {
    machine.set("clockMs", (random.below(7_200) - 3_600) * 1000);
  }),
} satisfies Readonly<Record<string, Fault>>;
