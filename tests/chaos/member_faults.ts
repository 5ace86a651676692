import type { NodeProcess } from "../cluster/harness.ts";
import type { Fault, Scene } from "./fault.ts";
import { ask, RequestFailed } from "./request.ts";

/** Takes a node out of the cluster, however often it has to be asked for. */
async function remove({ nodes, report }: Scene, node: NodeProcess): Promise<boolean> {
  const body = JSON.stringify({ id: node.id });
  for (let attempt = 0; attempt < 20; attempt++) {
    const through = nodes.all.find((other) => other !== node && other.running);
    try {
      if (through !== undefined) {
        await ask(through, "/remove", { method: "DELETE", body });
        return true;
      }
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  report.note(`${node.id} could not be removed`);
  return false;
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
    if (!await remove(scene, taken.node)) return true;
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
    if (!await remove(scene, comer)) return true;
    await nodes.end(comer, "SIGTERM");
    nodes.forget(comer);
    return true;
  },
} satisfies Readonly<Record<string, Fault>>;
