import type { Fault } from "./fault.ts";

/** What happens to processes. */
export const processFaults = {
  "kill": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    using taken = await nodes.take(random);
    if (taken === undefined) return false;
    report.note(`kill -9 ${taken.what} for ${lastsMs} ms`);
    await nodes.end(taken.node, "SIGKILL");
    await pause(lastsMs);
    nodes.start(taken.node);
    await nodes.ready(taken.node);
    return true;
  },

  "kill two": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    using one = await nodes.take(random);
    using other = await nodes.take(random);
    if (one === undefined || other === undefined) return false;
    report.note(`kill -9 ${one.what} and ${other.what} for ${lastsMs} ms`);
    await Promise.all([one, other].map(({ node }) => nodes.end(node, "SIGKILL")));
    await pause(lastsMs);
    for (const { node } of [one, other]) nodes.start(node);
    for (const { node } of [one, other]) await nodes.ready(node);
    return true;
  },

  "kill all": async ({ scene: { nodes, report } }) => {
    using taken = nodes.takeAll();
    if (taken === undefined) return false;
    const all = [...nodes.all];
    report.note(`kill -9 all ${all.length}`);
    await Promise.all(all.map((node) => nodes.end(node, "SIGKILL")));
    for (const node of all) nodes.start(node);
    for (const node of all) await nodes.ready(node);
    return true;
  },

  "stop and start": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    using taken = await nodes.take(random);
    if (taken === undefined) return false;
    report.note(`stop ${taken.what} for ${lastsMs} ms`);
    await nodes.end(taken.node, "SIGTERM");
    await pause(lastsMs);
    nodes.start(taken.node);
    await nodes.ready(taken.node);
    return true;
  },

  "rolling restart": async ({ scene: { nodes, report } }) => {
    using taken = nodes.takeAll();
    if (taken === undefined) return false;
    report.note("rolling restart");
    for (const node of [...nodes.all]) {
      await nodes.end(node, "SIGTERM");
      nodes.start(node);
      await nodes.ready(node);
    }
    return true;
  },

  "upgrade": async ({ scene: { nodes, report } }) => {
    using taken = nodes.takeAll();
    if (taken === undefined) return false;
    const isThere = nodes.all.every(({ mainPath }) => mainPath === undefined);
    report.note(isThere ? "back to the earlier release" : "over to this release");
    await nodes.goOver(isThere ? nodes.earlier : undefined);
    return true;
  },

  "freeze": async ({ scene: { nodes, report }, random, lastsMs, pause }) => {
    using taken = await nodes.take(random);
    if (taken === undefined) return false;
    report.note(`freeze ${taken.what} for ${lastsMs} ms`);
    taken.node.freeze();
    await pause(lastsMs);
    taken.node.thaw();
    return true;
  },
} satisfies Readonly<Record<string, Fault>>;
