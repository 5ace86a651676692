import { clockOffset } from "../base/clock_offset.ts";
import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { type Member, type NodeId, nodeName } from "../raft/types.ts";
import type { Store } from "../store/types.ts";
import type { Transport } from "../transport/types.ts";
import { identify } from "./joining.ts";
import { readMemberFigures } from "./member_figures.ts";
import { presentAddress } from "./members.ts";
import type { MemberFault, MemberFigures, MemberReport, NodeReport } from "./types.ts";
import { readAnswer, RequestKind } from "./wire.ts";

interface MemberReportParts {
  readonly node: Node;
  readonly store: Pick<Store, "status">;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly version: string;
  readonly freeBytes?: (() => Promise<number | undefined>) | undefined;
  readonly faults?: (() => Promise<readonly MemberFault[]>) | undefined;
  /** By the wall clock. */
  readonly startedAtMs: number;
}

/** Asks the members of the cluster how they are. */
export class MemberReports {
  readonly #parts: MemberReportParts;
  readonly #node: Node;

  constructor(parts: MemberReportParts) {
    this.#parts = parts;
    this.#node = parts.node;
  }

  /** Which of them can be reached. */
  async nodes(timeoutMs: number): Promise<NodeReport[]> {
    const leader = this.#node.status.leader;
    return await Promise.all(
      this.#node.configuration.members.map((member) => this.#report(member, leader, timeoutMs)),
    );
  }

  /** The same, each with what it says of itself. */
  async members(timeoutMs: number): Promise<MemberReport[]> {
    const leader = this.#node.status.leader;
    return await Promise.all(
      this.#node.configuration.members.map(async (member) => {
        const [report, asked] = await Promise.all([
          this.#report(member, leader, timeoutMs),
          // A node of a release before this one does not know the question.
          this.#figuresOf(member, timeoutMs).catch(() => undefined),
        ]);
        const { figures, clock } = report.reachable && asked || {};
        return { ...report, figures, clock };
      }),
    );
  }

  /** This node's own. */
  async own(): Promise<MemberFigures> {
    const { clock, store, startedAtMs, freeBytes, faults } = this.#parts;
    const { appliedIndex, lastIndex, figures: { logSizeBytes, health } } = this.#node;
    const { databaseBytes, walBytes } = await store.status();
    return {
      appliedIndex,
      lastLogIndex: lastIndex,
      databaseBytes: databaseBytes + walBytes,
      logBytes: logSizeBytes,
      freeBytes: await freeBytes?.(),
      upMs: Math.max(0, clock.wallTime() - startedAtMs),
      health,
      faults: await faults?.() ?? [],
      // Last, as what comes before may take a moment.
      wallTime: clock.wallTime(),
    };
  }

  async #figuresOf(
    member: Member,
    timeoutMs: number,
  ): Promise<Pick<MemberReport, "figures" | "clock">> {
    if (member.id === this.#node.id) return { figures: await this.own(), clock: undefined };
    const { transport, clock } = this.#parts;
    const address = presentAddress(transport, member);
    const call = { address, kind: RequestKind.figures, payload: new Uint8Array() };
    const began = clock.now();
    const figures = readMemberFigures(readAnswer(await transport.request(call, { timeoutMs })));
    const roundTripMs = clock.now() - began;
    return { figures, clock: clockOffset(figures.wallTime, clock.wallTime(), roundTripMs) };
  }

  async #report(member: Member, leader: NodeId, timeoutMs: number): Promise<NodeReport> {
    const base = { member: named(member), leader: member.id === leader };
    if (member.id === this.#node.id) {
      const { version } = this.#parts;
      return { ...base, reachable: true, version, roundTripMs: 0, error: undefined };
    }
    const { transport, clock } = this.#parts;
    const start = clock.now();
    try {
      const address = presentAddress(transport, member);
      const { id, version } = await identify(transport, address, timeoutMs);
      if (id !== member.id) {
        const other = nodeName(id) === nodeName(member.id)
          ? "one that has lost its data"
          : nodeName(id);
        throw new Error(`Another node answers at ${member.address}: ${other}`);
      }
      const roundTripMs = clock.now() - start;
      return { ...base, reachable: true, version, roundTripMs, error: undefined };
    } catch (error) {
      return {
        ...base,
        reachable: false,
        version: "",
        roundTripMs: 0,
        error: messageOf(error),
      };
    }
  }
}

/** With the operator's name for its id, which is all that clients know it by. */
export function named<T extends { readonly id: NodeId }>(server: T): T {
  return { ...server, id: nodeName(server.id) };
}
