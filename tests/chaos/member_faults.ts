import { eventually, type NodeProcess } from "../cluster/harness.ts";
import type { Fault, Scene } from "./fault.ts";
import { ask, RequestFailed } from "./request.ts";

/** How long the cluster may take to let a node go, beside other faults, in ms. */
const removalMs = 120_000;

/** Takes a node out of the cluster, however often it has to be asked for: until it is known to be out. */
async function remove({ nodes }: Scene, node: NodeProcess): Promise<void> {
  const body = JSON.stringify({ id: node.id });
  await eventually(`${node.id} to be removed`, async () => {
    const through = nodes.all.find((other) => other !== node && other.running);
    if (through === undefined) return false;
    await ask(through, "/remove", { method: "DELETE", body });
    return true;
  }, removalMs);
}

/** What happens to who is a member, and who leads. */
export const memberFaults = {
  "transfer": async ({ scene: { nodes, report }, random }) => {
    const leader = await nodes.leader();
    const others = nodes.voters.filter((node) => node !== leader && node.running);
    const to = others[random.below(Math.max(1, others.length))];
    if (leader === undefined || to === undefined) return false;
    report.note(`hand over from ${leader.id} to ${to.id}`);
    try {
      await ask(leader, "/leader", { body: JSON.stringify({ id: to.id }) });
      report.count("leadership handed over");
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
    }
    return true;
  },

  "replace a member": async ({ scene, random }) => {
    const { nodes, report } = scene;
    const through = await nodes.leader();
    if (through === undefined) return false;
    const comer = await nodes.add(through);
    report.note(`add ${comer.id}`);
    await nodes.ready(comer);
    using taken = await nodes.take(random, nodes.voters.filter((node) => node !== comer));
    if (taken === undefined) return true;
    report.note(`remove ${taken.what}`);
    await remove(scene, taken.node);
    await nodes.end(taken.node, "SIGTERM");
    nodes.forget(taken.node);
    return true;
  },

  "read replica": async ({ scene, lastsMs, pause }) => {
    const { nodes, report } = scene;
    const through = await nodes.leader();
    if (through === undefined) return false;
    const comer = await nodes.add(through, true);
    report.note(`add the read replica ${comer.id}, for ${lastsMs} ms`);
    await nodes.ready(comer);
    await pause(lastsMs);
    // What another fault does to it is over before it is gone.
    using _ = await nodes.takeThis(comer);
    await remove(scene, comer);
    await nodes.end(comer, "SIGTERM");
    nodes.forget(comer);
    return true;
  },
} satisfies Readonly<Record<string, Fault>>;
