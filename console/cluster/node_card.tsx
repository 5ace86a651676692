import type { LiveNode } from "../api/live.ts";
import { bytes, counted, duration, milliseconds } from "../parts/format.ts";

export interface NodeActions {
  /** Undefined: not permitted, or makes no sense. */
  readonly lead?: (() => void) | undefined;
  readonly stepDown?: (() => void) | undefined;
  readonly remove?: (() => void) | undefined;
  readonly snapshot?: (() => void) | undefined;
}

interface NodeCardProps {
  readonly node: LiveNode;
  /** The node that the page comes from. */
  readonly isOwn: boolean;
  readonly actions: NodeActions;
}

export type NodeState = "good" | "warn" | "bad";

/** Behind by more than what is on its way at any moment under load. */
const lateMs = 2_000;

export function stateOf(
  { reachable, health = "ok", lag_ms = 0 }: LiveNode,
): NodeState {
  if (!reachable || health !== "ok") return "bad";
  return lag_ms > lateMs ? "warn" : "good";
}

function roleOf({ leader, suffrage }: LiveNode): string {
  if (leader) return "Leader";
  if (suffrage === "voter") return "Voter";
  return suffrage === "staging" ? "Catching up" : "Read replica";
}

function lagOf({ reachable, lag_entries, lag_ms, leader }: LiveNode): string {
  if (!reachable || lag_entries === undefined) return "–";
  if (lag_entries === 0) return leader ? "leads" : "none";
  return `${counted(lag_entries, "entry", "entries")}, ${milliseconds(lag_ms)}`;
}

/** One node: what it is, how it is, and what can be done with it. */
export function NodeCard({ node, isOwn, actions }: NodeCardProps) {
  const state = stateOf(node);
  const words = {
    good: "reachable",
    warn: "behind",
    bad: node.reachable ? "ill" : "unreachable",
  };
  return (
    <article
      class={`node ${node.leader ? "leads" : ""} ${state === "bad" ? "bad" : ""}`}
    >
      <div class="node-head">
        <span class={`dot ${state}`} aria-hidden="true" />
        <h2 title={node.id}>{node.id}</h2>
        <span class={`chip ${node.leader ? "leads" : ""}`}>{roleOf(node)}</span>
        {isOwn && <span class="chip">this node</span>}
      </div>
      <dl>
        <dt>State</dt>
        <dd>
          {words[state]}
          {state === "good" && !isOwn ? `, ${milliseconds(node.round_trip_ms)}` : ""}
        </dd>
        <dt>Lag</dt>
        <dd>{lagOf(node)}</dd>
        <dt>Database</dt>
        <dd>{bytes(node.database_bytes)}</dd>
        <dt>Log</dt>
        <dd>{bytes(node.log_bytes)}</dd>
        <dt>Free on disk</dt>
        <dd>{bytes(node.free_bytes)}</dd>
        <dt>Up for</dt>
        <dd>{node.up_ms === undefined ? "–" : duration(node.up_ms)}</dd>
        <dt>Release</dt>
        <dd>{node.version ?? "–"}</dd>
        <dt>Address</dt>
        <dd title={node.api_addr}>
          {node.api_addr.replace(/^https?:\/\//, "")}
        </dd>
      </dl>
      {node.error && <p class="problem">{node.error}</p>}
      {node.health !== undefined && node.health !== "ok" && <p class="problem">{node.health}</p>}
      <div class="node-foot">
        {!isOwn && node.reachable && (
          <a class="button quiet" href={`${node.api_addr}/console/`}>
            Open<span class="unseen">the console of {node.id}</span>
          </a>
        )}
        <Act name="Make leader" id={node.id} act={actions.lead} />
        <Act name="Step down" id={node.id} act={actions.stepDown} />
        <Act name="Snapshot" id={node.id} act={actions.snapshot} />
        <Act name="Remove" id={node.id} act={actions.remove} />
      </div>
    </article>
  );
}

interface ActProps {
  readonly name: string;
  readonly id: string;
  readonly act: (() => void) | undefined;
}

function Act({ name, id, act }: ActProps) {
  if (act === undefined) return null;
  return (
    <button type="button" class="button quiet" onClick={act}>
      {name}
      <span class="unseen">: {id}</span>
    </button>
  );
}
