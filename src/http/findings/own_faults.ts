import { messageOf } from "../../base/message_of.ts";
import type { MemberFault } from "../../cluster/types.ts";
import type { AppState } from "../app_state.ts";
import { collect } from "../status.ts";
import type { FigureRing } from "../../metrics/figure_ring.ts";
import { faultsAmong } from "./finding.ts";
import { healthFinding, type OwnWords, statusFindings } from "./status_findings.ts";
import { StatusTree } from "./status_tree.ts";

/** How old an answer may be, in ms: several may ask each second. */
const keptMs = 3_000;
/** What is told of the time of syncs is of so long, in ms, and needs so many rows of figures. */
const syncsMs = 300_000;
const syncRowsMin = 12;

/** What a node finds wrong with itself, for the others to show. */
export class OwnFaults {
  readonly #app: AppState;
  #kept: { readonly atMs: number; readonly faults: Promise<readonly MemberFault[]> } | undefined;

  constructor(app: AppState) {
    this.#app = app;
  }

  /** Never rejects: what cannot be told is a fault of its own. */
  get(): Promise<readonly MemberFault[]> {
    const now = performance.now();
    if (this.#kept === undefined || now - this.#kept.atMs > keptMs) {
      this.#kept = { atMs: now, faults: faultsOf(this.#app).catch(untold) };
    }
    return this.#kept.faults;
  }
}

function untold(error: unknown): readonly MemberFault[] {
  const text = `cannot say how it is: ${messageOf(error)}`;
  return [{ grade: "problem", text, advice: "Its log says more" }];
}

async function faultsOf(app: AppState): Promise<readonly MemberFault[]> {
  const { id } = app.service.status();
  const status = new StatusTree(await collect(app));
  const words = { subject: id, status, syncs: recentSyncs(app.recorder.ring) };
  return faultsAmong([healthFinding(words), ...statusFindings(words)]);
}

/** What they mostly took lately: a disk that was slow once need not be for ever. */
export function recentSyncs(ring: Pick<FigureRing, "names" | "after">): OwnWords["syncs"] {
  const place = 1 + ring.names.indexOf("sync_p99_ms");
  const took = ring.after(Date.now() - syncsMs).map((row) => row[place])
    .filter((ms) => typeof ms === "number").sort((a, b) => a - b);
  const p99Ms = took[Math.floor(took.length / 2)];
  if (took.length < syncRowsMin || p99Ms === undefined) return undefined;
  return { p99Ms, when: "in most of the last five minutes" };
}
