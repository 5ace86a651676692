import type { LiveCluster, LiveNode } from "../api/live.ts";
import { type NodeActions, NodeCard, stateOf } from "./node_card.tsx";

interface PictureProps {
  readonly cluster: LiveCluster;
  readonly actionsOf: (node: LiveNode) => NodeActions;
}

/** The leader on top, and below it who gets the log from it: a line is green while it gets through. */
export function Picture({ cluster, actionsOf }: PictureProps) {
  const leader = cluster.nodes.find((node) => node.leader);
  const others = cluster.nodes.filter((node) => !node.leader);
  const card = (node: LiveNode) => (
    <NodeCard
      node={node}
      isOwn={node.id === cluster.node}
      actions={actionsOf(node)}
    />
  );
  return (
    <section class="picture" aria-label="Nodes">
      <div class="top">
        {leader === undefined
          ? (
            <article class="node bad">
              <h2>No leader</h2>
            </article>
          )
          : card(leader)}
      </div>
      {others.length > 0 && (
        <>
          <div class={`stem ${leader === undefined ? "none" : ""}`} />
          <ul class="followers">
            {others.map((node) => (
              <li
                key={node.id}
                class={`${stateOf(node)} ${node.suffrage === "voter" ? "" : "replica"}`}
              >
                {card(node)}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
