import type { ServiceStatus } from "../cluster/types.ts";
import type { Member, Role } from "../raft/types.ts";
import type { AppState } from "./app_state.ts";
import { formatGoDuration } from "./go_duration.ts";
import { sortedGoJson } from "./go_json.ts";
import { indentText } from "./indent.ts";
import type { QueryParameters } from "./query_parameters.ts";

type Figures = Readonly<Record<string, unknown>>;

/** /status: this node's figures, in the places where rqlite has them; `key=a.b` gives a part. */
export async function status(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  const { answers, counters } = app;
  counters.num_status++;
  if (request.method !== "GET") return answers.empty(405, { json: true });
  const figures = await collect(app);
  const key = parameters.get("key") ?? "";
  if (key !== "") return answers.json(sortedGoJson(partOf(figures, key.split("."))));
  const text = sortedGoJson(figures);
  return answers.json(parameters.has("pretty") ? indentText(text) : text);
}

/** The part under `keys`: `{}` when there is none; keys below a plain value are passed over. */
function partOf(figures: unknown, keys: readonly string[]): unknown {
  let part = figures;
  for (const key of keys) {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    if (!Object.hasOwn(part, key)) return {};
    part = Object.entries(part).find(([name]) => name === key)?.[1];
  }
  return part;
}

async function collect(app: AppState): Promise<Figures> {
  const { info, queue, service, lastBackupAt } = app;
  const now = Date.now();
  const node = service.status();
  return {
    build: { version: info.rqliteVersion, raftlite_version: info.version },
    cluster: { addr: node.raftAddress, api_addr: node.httpAddress, https: "false" },
    http: {
      bind_addr: node.httpAddress,
      auth: "disabled",
      cluster: { local_node_addr: node.raftAddress },
      queue: { _default: queue.status() },
      tls: { enabled: "false" },
      allow_origin: info.allowOrigin === "" ? undefined : info.allowOrigin,
    },
    last_backup_time: lastBackupAt?.toISOString(),
    node: {
      start_time: new Date(node.startedAt).toISOString(),
      current_time: new Date(now).toISOString(),
      uptime: formatGoDuration(now - node.startedAt),
    },
    os: {
      pid: Deno.pid,
      ppid: Deno.ppid,
      executable: Deno.execPath(),
      hostname: Deno.hostname(),
    },
    runtime: {
      GOARCH: Deno.build.arch === "x86_64" ? "amd64" : "arm64",
      GOOS: Deno.build.os,
      num_cpu: navigator.hardwareConcurrency,
      version: `deno ${Deno.version.deno}`,
    },
    store: storeFigures(node, await service.storeStatus()),
  };
}

function storeFigures(node: ServiceStatus, sqlite: Figures): Figures {
  const { members } = node.configuration;
  const leader = members.find((member) => member.id === node.raft.leader);
  return {
    addr: node.raftAddress,
    cluster_id: node.clusterId,
    db_applied_index: node.appliedIndex,
    dir: node.dataDirectory,
    fsm_index: node.appliedIndex,
    health: node.health,
    leader: { addr: leader?.address ?? "", node_id: leader?.id ?? "" },
    node_id: node.id,
    nodes: members.map(({ id, address, suffrage }) => ({
      id,
      addr: address,
      suffrage: suffrage === "voter" ? "voter" : "nonvoter",
    })),
    pending_writes: node.pendingWrites,
    raft: raftFigures(node),
    ready: node.health === "ok" && leader !== undefined,
    sqlite3: sqlite,
  };
}

function raftFigures(node: ServiceStatus): Figures {
  const { members } = node.configuration;
  const self = members.find((member) => member.id === node.id);
  const voters = members.filter(({ suffrage }) => suffrage === "voter").length;
  const isVoter = self?.suffrage === "voter";
  return {
    applied_index: node.appliedIndex,
    commit_index: node.commitIndex,
    first_log_index: node.firstLogIndex,
    fsm_pending: node.commitIndex - node.appliedIndex,
    last_contact: node.raft.role === "leader" ? 0 : formatGoDuration(node.lastContactMs),
    last_log_index: node.lastLogIndex,
    last_snapshot_index: node.snapshotIndex,
    latest_configuration: `[${members.map(configurationText).join(" ")}]`,
    log_size: node.logSizeBytes,
    num_peers: voters - (isVoter ? 1 : 0),
    progress: node.progress,
    state: stateNames[node.raft.role],
    term: node.raft.term,
    voter: isVoter,
  };
}

const stateNames: Readonly<Record<Role, string>> = {
  follower: "Follower",
  "pre-candidate": "Candidate",
  candidate: "Candidate",
  leader: "Leader",
};

function configurationText({ id, address, suffrage }: Member): string {
  return `{Suffrage:${suffrage === "voter" ? "Voter" : "Nonvoter"} ID:${id} Address:${address}}`;
}
