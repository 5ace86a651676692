import type { NodeProcess } from "../cluster/harness.ts";
import type { Fault, Scene } from "./fault.ts";

/** Cuts the network into two: nobody of one part reaches anybody of the other. */
function split({ nodes }: Scene, part: readonly NodeProcess[]): void {
  const inPart = (id: string) => part.some((node) => node.id === id);
  for (const node of nodes.all) {
    nodes.cluster.proxyOf(node)?.block((caller) => inPart(caller) !== inPart(node.id));
  }
}

function join({ nodes }: Scene): void {
  for (const node of nodes.all) nodes.cluster.proxyOf(node)?.block(() => false);
}

/** What happens to the network between nodes, by the proxies in front of them. */
export const networkFaults = {
  "isolate": async ({ scene, random, lastsMs, pause }) => {
    using taken = await scene.nodes.take(random);
    if (taken === undefined) return false;
    scene.report.note(`isolate ${taken.what} for ${lastsMs} ms`);
    split(scene, [taken.node]);
    await pause(lastsMs);
    join(scene);
    return true;
  },

  "split": async ({ scene, random, lastsMs, pause }) => {
    const all = scene.nodes.all.filter(() => random.chance(0.5));
    scene.report.note(`split [${all.map(({ id }) => id)}] from the others for ${lastsMs} ms`);
    split(scene, all);
    await pause(lastsMs);
    join(scene);
    return true;
  },

  "one way": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    using taken = await nodes.take(random);
    if (taken === undefined) return false;
    const isDeaf = random.chance(0.5);
    report.note(`${taken.what} ${isDeaf ? "hears" : "is heard by"} nobody for ${lastsMs} ms`);
    const { node } = taken;
    // What others send to it, on their connections and on its own; or the other way round.
    for (const each of nodes.all) {
      nodes.cluster.proxyOf(each)?.hold((caller, way) =>
        each === node
          ? way === (isDeaf ? "there" : "back")
          : caller === node.id && way === (isDeaf ? "back" : "there")
      );
    }
    await pause(lastsMs);
    for (const each of nodes.all) nodes.cluster.proxyOf(each)?.hold(() => false);
    return true;
  },

  "slow network": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    const ms = 20 + random.below(400);
    report.note(`the network takes ${ms} ms, for ${lastsMs} ms`);
    for (const node of nodes.all) nodes.cluster.proxyOf(node)?.slowDown(ms);
    await pause(lastsMs);
    for (const node of nodes.all) nodes.cluster.proxyOf(node)?.slowDown(0);
    return true;
  },

  "reset": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    report.note(`resets for ${lastsMs} ms`);
    for (let left = lastsMs; left > 0; left -= 300) {
      for (const node of nodes.all) {
        nodes.cluster.proxyOf(node)?.reset(() => random.chance(0.5));
      }
      await pause(300);
    }
    return true;
  },
} satisfies Readonly<Record<string, Fault>>;
