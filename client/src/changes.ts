import { type ChangeGroup, type Message, readMessage } from "./change_group.ts";
import { Deadline } from "./deadline.ts";
import { ChangesLost, type RaftliteError, Unavailable } from "./errors.ts";
import type { Integers } from "./exact_json.ts";
import { answerOf, type Exchange, Lost, messageOf } from "./exchange.ts";
import { type Failover, refusal } from "./failover.ts";
import type { Nodes } from "./nodes.ts";
import type { ChangesOptions } from "./options.ts";

/** A node says every ten seconds that it is there: one that says nothing for so long is not, in ms. */
const silenceMsMax = 25_000;
const pauseMs = 200;

interface Parts {
  readonly nodes: Nodes;
  readonly exchange: Exchange;
  readonly failover: Failover;
  readonly integers: Integers;
  /** How long to look for a node. */
  readonly patienceMs: number;
  readonly saw: (index: number) => void;
}

/** See Client.changes. */
export async function* followChanges(
  parts: Parts,
  options: ChangesOptions,
): AsyncGenerator<ChangeGroup, void, undefined> {
  const { nodes, failover, patienceMs, saw } = parts;
  const { signal } = options;
  let from = options.from;
  let deadline = new Deadline(patienceMs, signal);
  /** Of nodes that have been asked in vain since the last news, why they do not serve it. */
  const refusals = new Map<string, RaftliteError>();
  for (;;) {
    const node = nodes.current;
    let reason = "it ended the stream";
    try {
      for await (const message of messages(node, from, parts, options)) {
        const { next, group, error } = message;
        from = next;
        if (error !== undefined) throw new ChangesLost(error);
        deadline = new Deadline(patienceMs, signal);
        refusals.clear();
        if (group === undefined) continue;
        saw(group.index);
        yield group;
        // The program may have taken its time.
        deadline = new Deadline(patienceMs, signal);
      }
    } catch (error) {
      if (error instanceof ChangesLost || error instanceof NotServed) {
        // Another node may keep more than this one.
        refusals.set(node, error instanceof NotServed ? error.why : error);
        if (nodes.all.every((url) => refusals.has(url))) {
          throw refusals.get(node);
        }
      } else if (!(error instanceof Lost)) throw error;
      reason = error.message;
    }
    nodes.failed(node);
    if (deadline.isOver) {
      throw new Unavailable(`No node tells of changes: ${node}: ${reason}`);
    }
    await failover.relearn();
    await deadline.pause(pauseMs);
  }
}

/** One node does not serve it, for a reason that may be its own. */
class NotServed extends Error {
  readonly why: RaftliteError;

  constructor(why: RaftliteError) {
    super(why.message);
    this.why = why;
  }
}

/** What a node says, until it ends or breaks off; throws a Lost then. */
async function* messages(
  node: string,
  from: string | undefined,
  { exchange, integers }: Parts,
  { tables, signal }: ChangesOptions,
): AsyncGenerator<Message, void, undefined> {
  const controller = new AbortController();
  const silence = new Silence(controller);
  const cancel = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    silence.begin();
    const parameters = { format: "ndjson", from, tables: tables?.join(",") };
    const call = { method: "GET", path: "/db/changes", parameters } as const;
    const response = await exchange.open(node, call, controller.signal);
    if (response.status !== 200) await refuse(response);
    for await (const line of linesOf(response, silence)) {
      const message = readMessage(line, integers);
      yield message;
      if (message.isEnd) return;
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (controller.signal.aborted) throw controller.signal.reason;
    if (error instanceof SyntaxError) {
      throw new Lost(messageOf(error), true, { cause: error });
    }
    throw error;
  } finally {
    silence.end();
    signal?.removeEventListener("abort", cancel);
    controller.abort();
  }
}

async function refuse(response: Response): Promise<never> {
  const answer = await answerOf(response);
  const { status, text } = answer;
  if (status >= 500) throw new Lost(`${status} ${text.trim()}`, true);
  if (status === 410) throw new ChangesLost(text.trim());
  const why = refusal(answer);
  throw status === 404 ? new NotServed(why) : why;
}

/** Gives a node up that says nothing for too long. */
class Silence {
  readonly #controller: AbortController;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(controller: AbortController) {
    this.#controller = controller;
  }

  /** From now on something is to come. */
  begin(): void {
    this.end();
    const why = new Lost(`nothing came for ${silenceMsMax} ms`, true);
    this.#timer = setTimeout(() => this.#controller.abort(why), silenceMsMax);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function* linesOf(
  response: Response,
  silence: Silence,
): AsyncGenerator<string, void, undefined> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let parts: string[] = [];
  try {
    for (;;) {
      silence.begin();
      const next = await reader?.read().catch((error) => {
        throw new Lost(messageOf(error), true, { cause: error });
      });
      silence.end();
      if (next === undefined || next.done) return;
      const [first = "", ...others] = decoder.decode(next.value, {
        stream: true,
      }).split("\n");
      parts.push(first);
      for (const part of others) {
        yield parts.join("");
        parts = [part];
      }
    }
  } finally {
    await reader?.cancel().catch(() => {});
  }
}
