import { messageOf } from "../../base/message_of.ts";
import type { MemberFault } from "../../cluster/types.ts";
import type { AppState } from "../app_state.ts";
import { collect } from "../status.ts";
import { healthFinding, statusFindings } from "./status_findings.ts";
import { StatusTree } from "./status_tree.ts";

/** How old an answer may be, in ms: several may ask each second. */
const keptMs = 3_000;
/** Fewer syncs of the log say nothing about their slowest. */
const syncsMin = 100;

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
  const { service } = app;
  const { id, stages: { sync } } = service.status();
  const status = new StatusTree(await collect(app));
  const syncP99Ms = sync.count < syncsMin ? undefined : sync.quantile(0.99) * 1000;
  const words = { subject: id, status, syncP99Ms };
  return [healthFinding(words), ...statusFindings(words)].flatMap(({ grade, text, advice = "" }) =>
    grade === "ok" ? [] : [{ grade, text, advice }]
  );
}
