import { messageOf } from "../base/message_of.ts";
import { pause } from "../io/pause.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type {
  ComparedCopy,
  ComparedMember,
  ComparisonReport,
  DifferingTable,
} from "../cluster/types.ts";
import type { CopyDigest, Store } from "../store/types.ts";
import {
  cutShort,
  groupCopies,
  readByAll,
  type ReadCopy,
  tablesThatDiffer,
} from "./copy_groups.ts";
import { differingRows } from "./row_count.ts";
import { differenceText, reportText } from "./scrub_text.ts";
import type { UpkeepNode } from "./upkeep.ts";
import { dueAt, lookEveryMs } from "./upkeep_plan.ts";

/** What a comparison, whose entries are upkeep's, needs to know of its node. */
export interface ScrubNode extends UpkeepNode {
  /** Nodes whose SQLite is another write the same values in other ways. */
  readonly sameSqlite: boolean;
  members(): readonly ComparedMember[];
}

export interface ScrubParts {
  /** Between two comparisons; 0 for none but those that are asked for. */
  readonly intervalMs: number;
  readonly node: ScrubNode;
  readonly store: Pick<Store, "status">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** After one that failed, in ms; no longer than the interval. */
const retryMs = 600_000;
/** Between two questions whether a member has read its copy, in ms: it grows from the first on. */
const askMsMin = 20;
const askMsMax = 2_000;
/** How long a member may not answer before it counts as not compared, in ms. */
const silentMsMax = 30_000;
/** What reading a copy may take, in ms; then what is read by then counts. */
const readMsMax = 7_200_000;
/** Steps of one comparison, each behind an entry of its own. */
const stepsMax = 1_000;
/** Tables of one copy of which the rows that differ are counted. */
const countedTablesMax = 16;

/** What one step has come to. */
interface Step {
  readonly index: number;
  readonly copies: readonly ReadCopy[];
  /** By the name of a node, why nothing is known of its copy. */
  readonly silent: ReadonlyMap<string, string>;
  /** Of the tables compared the last one; undefined when there are no more. */
  readonly until: string | undefined;
}

/**
 * Compares all nodes' copies of the database at intervals, and when asked to: on the node that leads.
 * An entry of the log marks where; every node reads its copy as it is behind that entry, slowly,
 * while it goes on. When nodes cannot hold it for so long, another entry begins the next step, with
 * the tables that are left. What differs from most is counted, told to all, and replaced.
 */
export class Scrub {
  readonly #parts: ScrubParts;
  readonly #stop = new AbortController();
  #timer: Timer | undefined;
  #report: ComparisonReport | undefined;
  #running: Promise<void> | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
  }

  /** Of the comparison that runs, or of the last one of this node's. */
  get report(): ComparisonReport | undefined {
    return this.#report;
  }

  /** Begins to look whether one is due. */
  begin(): void {
    const { intervalMs, clock } = this.#parts;
    if (intervalMs === 0) return;
    this.#timer = repeat(clock, lookEveryMs(intervalMs), () => this.#look().catch(() => {}));
  }

  /** Resolves once nothing is begun any more: what another node is asked for is not waited for. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    await this.#running;
  }

  async #look(): Promise<void> {
    const { node, store, clock, intervalMs } = this.#parts;
    if (!node.leads || !node.maySubmit || !node.sameSqlite) return;
    if (this.#running !== undefined || clock.now() < this.#notBefore) return;
    const { upkeep: { scrub: record } } = await store.status();
    if (record === undefined) {
      if (!await node.changedSince(0)) return;
      return void await node.submit({ ...entry, step: "begin", last: false, after: 0 });
    }
    const now = clock.wallTime();
    const due = dueAt(record, intervalMs, now);
    if (due !== undefined && now >= due) this.start();
  }

  /** Begins a comparison, unless one runs. */
  start(): ComparisonReport {
    if (this.#running === undefined) {
      this.#report = this.#blank();
      this.#running = this.#run().finally(() => this.#running = undefined);
    }
    return this.#report ?? this.#blank();
  }

  #blank(): ComparisonReport {
    return {
      state: "running",
      startedAtMs: this.#parts.clock.wallTime(),
      finishedAtMs: undefined,
      index: 0,
      tables: 0,
      rows: 0,
      copies: [],
      findings: [],
      unread: [],
      message: "The copies are being compared",
    };
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { clock, logger, node, intervalMs } = this.#parts;
    const { signal } = this.#stop;
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const stop = () => resolve();
    signal.addEventListener("abort", stop);
    try {
      await Promise.race([this.#compare(), stopped]);
    } catch (error) {
      if (signal.aborted) return;
      const message = `The copies of the database could not be compared: ${messageOf(error)}`;
      logger.log(node.leads ? "WARN" : "INFO", "jobs", message);
      this.#end({ state: "failed", message });
      this.#notBefore = clock.now() + Math.min(retryMs, intervalMs);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async #compare(): Promise<void> {
    const { node } = this.#parts;
    if (!node.maySubmit) {
      throw new Error("POST /upgrade has to raise the cluster's version first");
    }
    if (!node.sameSqlite) throw new Error("nodes run with different builds of SQLite");
    let after: string | undefined = "";
    for (let step = 0; after !== undefined && step < stepsMax; step++) {
      after = await this.#step(after);
    }
    if (after !== undefined) {
      throw new Error(`they were not read to their end in ${stepsMax} steps`);
    }
    this.#end({ state: "done" });
    const report = this.#report ?? this.#blank();
    const told = { ...report, message: reportText(report) };
    this.#report = told;
    // Who does not hear it is told by the next one.
    await Promise.allSettled(node.members().map((member) => member.tell(told)));
  }

  #end(change: Partial<ComparisonReport>): void {
    const finishedAtMs = this.#parts.clock.wallTime();
    this.#report = { ...this.#report ?? this.#blank(), finishedAtMs, ...change };
  }

  /** Compares the tables behind that one; resolves with the last of them when there are more. */
  async #step(after: string): Promise<string | undefined> {
    const members = this.#parts.node.members();
    const id = crypto.randomUUID();
    try {
      const step = await this.#read(id, members, after);
      const { verdicts, sound } = groupCopies(step.copies, members.length);
      const copies: ComparedCopy[] = [];
      for (const member of members) {
        const verdict = verdicts.get(member.id) ?? "not_compared";
        const read = step.copies.find((copy) => copy.id === member.id);
        const tables = verdict === "same" || verdict === "not_compared" || read === undefined
          ? []
          : await this.#differences(id, { member, read, sound: sound ?? step.copies[0], members });
        const why = verdict === "same" ? "" : step.silent.get(member.id) ??
          differenceText(tables, read?.digest.damage ?? [], step.index);
        copies.push({ id: member.id, verdict, why, tables });
      }
      this.#add(step, sound, copies);
      await this.#replace(id, members, copies);
      return step.until;
    } finally {
      await Promise.allSettled(members.map((member) => member.end(id)));
    }
  }

  /** Has each member read its copy behind the same entry. */
  async #read(id: string, members: readonly ComparedMember[], after: string): Promise<Step> {
    const { node, store } = this.#parts;
    const silent = new Map<string, string>();
    const armed: ComparedMember[] = [];
    await Promise.all(members.map(async (member) => {
      try {
        await member.arm(id, after);
        armed.push(member);
      } catch (error) {
        if (member.isSelf) throw error;
        silent.set(member.id, messageOf(error));
      }
    }));
    const { upkeep: { scrub: record } } = await store.status();
    await node.submit({ ...entry, step: "scrub", last: true, after: record?.index ?? 0 });
    const read: ReadCopy[] = [];
    await Promise.all(armed.map(async (member) => {
      const digest = await this.#digestOf(id, member);
      if (typeof digest === "string") silent.set(member.id, digest);
      else read.push({ id: member.id, digest });
    }));
    const self = members.find(({ isSelf }) => isSelf)?.id ?? "";
    const own = read.find(({ id }) => id === self);
    if (own === undefined) {
      throw new Error(silent.get(self) ?? "this node does not lead any more");
    }
    const { index } = own.digest;
    const isThere = ({ id, digest }: ReadCopy) => {
      if (digest.index === index) return true;
      silent.set(id, `it was read at index ${digest.index}, and the others at ${index}`);
      return false;
    };
    const { copies, until } = readByAll(read.filter(isThere));
    return { index, copies, silent, until };
  }

  /** What the member has read; why there is nothing, as a text. */
  async #digestOf(id: string, member: ComparedMember): Promise<CopyDigest | string> {
    const { clock, node } = this.#parts;
    const { signal } = this.#stop;
    const startedAt = clock.now();
    let heardAt = startedAt;
    for (let waitMs = askMsMin;; waitMs = Math.min(askMsMax, 1.5 * waitMs)) {
      signal.throwIfAborted();
      if (!node.leads) throw new Error("this node does not lead any more");
      try {
        const answer = await member.digest(id);
        if (answer.state === "done") return answer.digest;
        if (answer.state === "failed") return answer.message;
        heardAt = clock.now();
        // An entry that it has not applied yet: it may be far behind, or down for long.
        if (answer.state === "waiting" && heardAt - startedAt > silentMsMax) {
          return "it has not come to where the copies are compared";
        }
        if (heardAt - startedAt > readMsMax) return "reading it takes too long";
      } catch (error) {
        if (clock.now() - heardAt > silentMsMax) return messageOf(error);
      }
      await pause(clock, waitMs, signal);
    }
  }

  /** The tables in which a copy is not as the sound one, or as the first one where none is. */
  async #differences(
    id: string,
    { member, read, sound, members }: {
      readonly member: ComparedMember;
      readonly read: ReadCopy;
      readonly sound: ReadCopy | undefined;
      readonly members: readonly ComparedMember[];
    },
  ): Promise<DifferingTable[]> {
    const other = members.find((member) => member.id === sound?.id);
    if (sound === undefined || other === undefined || sound.id === member.id) return [];
    const tables: DifferingTable[] = [];
    for (const name of tablesThatDiffer(read.digest, sound.digest)) {
      const isRead = [read, sound].every(({ digest }) =>
        digest.tables.some((table) => table.name === name)
      );
      const rows = isRead && tables.length < countedTablesMax
        ? await differingRows(name, id, [member, other]).catch(() => undefined)
        : undefined;
      tables.push({ name, rows });
    }
    return tables;
  }

  #add(step: Step, sound: ReadCopy | undefined, copies: readonly ComparedCopy[]): void {
    const before = this.#report ?? this.#blank();
    const counted = (sound ?? step.copies[0])?.digest;
    const tables = counted?.tables.filter(({ name }) => name !== "sqlite_schema") ?? [];
    const all = step.copies.map(({ digest }) => digest.damage.join("\n"));
    const isShared = all.length > 0 && all.every((text) => text === all[0]);
    const isUnchecked = step.copies.some(({ digest: { complete, checked } }) =>
      complete && !checked
    );
    const unchecked = isUnchecked ? ["what SQLite's own check says"] : [];
    this.#report = {
      ...before,
      index: step.index,
      tables: before.tables + tables.length,
      rows: before.rows + tables.reduce((sum, { rows }) => sum + rows, 0),
      copies: copies.map((copy) => worse(before.copies.find(({ id }) => id === copy.id), copy)),
      findings: [...before.findings, ...isShared ? counted?.damage ?? [] : []],
      unread: [...new Set([...before.unread, ...cutShort(step.copies), ...unchecked])],
    };
  }

  /** This node itself comes first: from then on it sends its copy to nobody, and gives the lead up. */
  async #replace(
    id: string,
    members: readonly ComparedMember[],
    copies: readonly ComparedCopy[],
  ): Promise<void> {
    const differ = members
      .filter(({ id }) => copies.some((copy) => copy.id === id && copy.verdict === "differs"))
      .toSorted((a, b) => Number(b.isSelf) - Number(a.isSelf));
    for (const member of differ) {
      this.#stop.signal.throwIfAborted();
      const why = copies.find(({ id }) => id === member.id)?.why ?? "";
      await member.replace(id, why).catch((error) => {
        const text = `Node ${member.id} could not be told of its damaged copy: ${messageOf(error)}`;
        this.#parts.logger.log("ERROR", "jobs", text);
      });
    }
  }
}

/** What all entries of comparisons have. */
const entry = { task: "scrub", pages: 0 } as const;

/** What two steps of a comparison say of a copy. */
function worse(before: ComparedCopy | undefined, now: ComparedCopy): ComparedCopy {
  const order = ["same", "not_compared", "undecided", "differs"];
  if (before === undefined) return now;
  return order.indexOf(before.verdict) > order.indexOf(now.verdict) ? before : now;
}
