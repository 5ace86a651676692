import { messageOf } from "../base/message_of.ts";
import {
  type ChangeGroup,
  type ChangePosition,
  type ChangesRead,
  ChangesTruncatedError,
} from "../changes/types.ts";
import { pause } from "../io/pause.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { CdcConfig } from "./config.ts";
import { type EncodedGroup, encodeGroups, type EventOptions, lossGroup } from "./message.ts";
import { GroupsMessage } from "./groups_message.ts";
import type { CdcFigures, DeliveringNode, Sink } from "./types.ts";

/** A message holds no further group once it is as long. */
const messageCharactersMax = 4 * 1024 * 1024;
/** Changes that are read at once, in bytes. */
const readBytesMax = 512 * 1024;
/** How long to wait when nobody confirms who leads, in ms. */
const confirmAgainMs = 1_000;

export interface DeliveryParts {
  readonly config: CdcConfig;
  /** This program's. */
  readonly version: string;
  readonly node: DeliveringNode;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Message {
  readonly groups: readonly EncodedGroup[];
  /** Up to which index all is delivered once it has arrived. */
  readonly delivered: number;
}

/** Why changes are not to be had. */
const reasons: Readonly<Record<ChangesTruncatedError["why"], string>> = {
  not_kept:
    "this node does not have them, as it got the database as a whole, or -changes-size is " +
    "too small",
  damaged: "this node's disk has damaged them",
};

/**
 * Sends what entries changed to an endpoint, in their order and at least once, while this node leads:
 * one message at a time, again and again until it has arrived. Up to where that is, is recorded in the
 * log of the cluster, so that the next leader goes on from there, whichever that is and whatever it
 * has sent before; what was sent since the last time that it was recorded is then sent again.
 */
export class ChangeDelivery {
  readonly #parts: DeliveryParts;
  readonly #format: EventOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** Ended when this node leads no more. */
  #leading: AbortController | undefined;
  /** Up to which index all is delivered, while this node leads. */
  #delivered = 0;
  /** The same when the last group was passed: entries without changes are nothing to record. */
  #passed = 0;
  #recorded = 0;
  #counts = { messages: 0, groups: 0, events: 0, failures: 0, abandoned: 0, gaps: 0 };
  #failing: CdcFigures["failing"];

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { config, version } = parts;
    const name = config.serviceId === "" ? "raftlite" : config.serviceId;
    const { debezium } = config;
    this.#format = { ...config, debezium: debezium && { ...debezium, name, version } };
  }

  get figures(): CdcFigures {
    const { node, sink, config } = this.#parts;
    const { messages, groups, events, ...counts } = this.#counts;
    const highWatermark = Math.max(node.delivered ?? 0, this.#delivered);
    return {
      sink: sink.name,
      nodeId: node.id,
      serviceId: config.serviceId,
      leads: node.leads,
      highWatermark,
      entriesBehind: Math.max(0, node.changes.status.last - highWatermark),
      messagesSent: messages,
      groupsSent: groups,
      eventsSent: events,
      ...counts,
      failing: this.#failing,
    };
  }

  start(): void {
    const { node, config, logger } = this.#parts;
    const service = config.serviceId === "" ? "" : `ID ${config.serviceId}, `;
    logger.log("INFO", "cdc", `service started with ${service}node ID ${node.id}`);
    this.#running ??= this.#run();
  }

  /** To be called whenever this node may lead, or lead no more. */
  statusChanged(): void {
    if (!this.#parts.node.leads) this.#leading?.abort(new Error("this node leads no more"));
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the node stops"));
    this.#leading?.abort(this.#stopped.signal.reason);
    this.#wake?.();
    await this.#running;
    this.#parts.sink.close();
  }

  async #run(): Promise<void> {
    const { node, clock, logger } = this.#parts;
    while (!this.#stopped.signal.aborted) {
      if (!node.leads) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const leading = this.#leading = new AbortController();
      const who = `this node (ID:${node.id})`;
      const text = `leadership changed, ${who} now leader, starting CDC transmission`;
      logger.log("INFO", "cdc", text);
      try {
        await this.#lead(leading.signal);
      } catch (error) {
        if (!leading.signal.aborted) {
          logger.log("ERROR", "cdc", `Changes are not delivered: ${messageOf(error)}`);
          await pause(clock, confirmAgainMs, leading.signal);
        }
      }
      leading.abort();
      if (this.#stopped.signal.aborted) return;
      logger.log(
        "INFO",
        "cdc",
        `leadership changed, ${who} no longer leader, pausing CDC transmission`,
      );
    }
  }

  /** Delivers until this node leads no more. */
  async #lead(signal: AbortSignal): Promise<void> {
    const { node, clock } = this.#parts;
    while (!signal.aborted) {
      const confirmed = await node.confirm().then(() => true, () => false);
      if (confirmed) break;
      await pause(clock, confirmAgainMs, signal);
    }
    // What this node has sent when it led before says nothing: another may have gone on from less.
    this.#delivered = node.delivered ?? node.changes.status.oldest - 1;
    this.#passed = this.#recorded = this.#delivered;
    const recording = this.#keepRecording(signal);
    try {
      for await (const message of this.#messages(signal)) await this.#deliver(message, signal);
    } finally {
      await recording;
    }
  }

  /** The messages behind what is delivered, as changes come. */
  async *#messages(signal: AbortSignal): AsyncGenerator<Message> {
    const { config, clock } = this.#parts;
    let from: ChangePosition = { index: this.#delivered + 1, change: 0 };
    let waiting: EncodedGroup[] = [];
    let characters = 0;
    let dueAt = 0;
    while (!signal.aborted) {
      const { groups, lost, next } = this.#read(from);
      const encoded = [...lost, ...groups.flatMap((group) => encodeGroups(group, this.#format))];
      from = next;
      for (const [i, group] of encoded.entries()) {
        if (waiting.length === 0) dueAt = clock.now() + config.batchDelayMs;
        waiting.push(group);
        characters += group.json.length;
        if (waiting.length < config.batchSizeMax && characters < messageCharactersMax) continue;
        const isLast = i === encoded.length - 1;
        // Others of the entry come behind it.
        const delivered = isLast ? behind(from) : (encoded[i + 1]?.index ?? 0) - 1;
        yield { groups: waiting, delivered };
        [waiting, characters] = [[], 0];
      }
      if (waiting.length === 0) this.#pass(behind(from), groups.length > 0);
      if (groups.length > 0) continue;
      if (waiting.length > 0 && clock.now() >= dueAt) {
        yield { groups: waiting, delivered: behind(from) };
        [waiting, characters] = [[], 0];
        continue;
      }
      await this.#more(from.index, waiting.length > 0 ? dueAt : undefined, signal);
    }
  }

  /** Waits for the next entry, or until it is time to send what waits. */
  async #more(index: number, dueAt: number | undefined, signal: AbortSignal): Promise<void> {
    const { node, clock } = this.#parts;
    const due = new AbortController();
    const timer = dueAt === undefined
      ? undefined
      : clock.after(Math.max(0, dueAt - clock.now()), () => due.abort());
    await node.changes.wait(index, AbortSignal.any([signal, due.signal]));
    timer?.cancel();
  }

  /** Changes from a position on, and what tells of those that are not kept any more. */
  #read(from: ChangePosition): ChangesRead & { readonly lost: readonly EncodedGroup[] } {
    const { node, clock, logger } = this.#parts;
    try {
      return { ...node.changes.read(from, readBytesMax), lost: [] };
    } catch (error) {
      if (!(error instanceof ChangesTruncatedError)) throw error;
      const { oldest, why } = error;
      this.#counts.gaps++;
      const to = oldest - 1;
      logger.log(
        "ERROR",
        "cdc",
        `Changes of the entries from index ${from.index} to ${to} are lost: ${reasons[why]}`,
      );
      const lost = [lossGroup(from.index, to, clock.wallTime(), this.#format)];
      return { groups: [] as ChangeGroup[], next: { index: oldest, change: 0 }, lost };
    }
  }

  /** Sends a message until it has arrived, or was tried as often as it may. */
  async #deliver({ groups, delivered }: Message, signal: AbortSignal): Promise<void> {
    const { config, node, sink, clock, logger } = this.#parts;
    const message = new GroupsMessage(groups, {
      ...{ nodeId: node.id, serviceId: config.serviceId },
      debezium: this.#format.debezium,
    });
    let pauseMs = config.backoffMinMs;
    for (let tries = 1;; tries++) {
      try {
        await sink.send(message, signal);
        this.#sent(groups);
        break;
      } catch (error) {
        if (signal.aborted) throw error;
        this.#failed(error);
        if (config.triesMax > 0 && tries >= config.triesMax) {
          this.#counts.abandoned++;
          const sent = `failed to send request to endpoint after ${tries} retries`;
          logger.log("ERROR", "cdc", `${sent}, last error: ${messageOf(error)}`);
          break;
        }
      }
      // As rqlite: who doubles begins with twice the least.
      if (config.doublesBackoff) pauseMs = Math.min(pauseMs * 2, config.backoffMaxMs);
      await pause(clock, pauseMs, signal);
      signal.throwIfAborted();
    }
    this.#pass(delivered, true);
  }

  /** There is nothing left to deliver of entries up to an index. */
  #pass(index: number, hasGroups: boolean): void {
    this.#delivered = Math.max(this.#delivered, index);
    if (hasGroups) this.#passed = this.#delivered;
  }

  #sent(groups: readonly EncodedGroup[]): void {
    this.#counts.messages++;
    this.#counts.groups += groups.length;
    for (const { events } of groups) this.#counts.events += events;
    if (this.#failing !== undefined) {
      const { times } = this.#failing;
      this.#parts.logger.log("INFO", "cdc", `Changes are delivered again, after ${times} failures`);
    }
    this.#failing = undefined;
  }

  #failed(error: unknown): void {
    this.#counts.failures++;
    const message = messageOf(error);
    const { times } = this.#failing ?? { times: 0 };
    if (this.#failing?.message !== message) {
      const text = `Changes wait, ${this.#parts.sink.name} does not take them: ${message}`;
      this.#parts.logger.log("WARN", "cdc", text);
    }
    this.#failing = { times: times + 1, message };
  }

  /** Has the cluster know how far it is, at an interval, while there is news. */
  async #keepRecording(signal: AbortSignal): Promise<void> {
    const { config, node, clock, logger } = this.#parts;
    let failed = "";
    while (!signal.aborted) {
      await pause(clock, config.watermarkIntervalMs, signal);
      const delivered = this.#passed;
      if (signal.aborted || delivered <= this.#recorded) continue;
      try {
        await node.recordDelivered(delivered);
        this.#recorded = delivered;
        failed = "";
      } catch (error) {
        const message = messageOf(error);
        const text =
          `It cannot be recorded that changes were delivered up to index ${delivered}, ` +
          `which a next leader will send again: ${message}`;
        if (message !== failed && !signal.aborted) logger.log("WARN", "cdc", text);
        failed = message;
      }
    }
  }
}

/** All entries before a position: the one that it is within is not done. */
function behind({ index }: ChangePosition): number {
  return index - 1;
}
