import { Deadline } from "./deadline.ts";
import { ChangesLost, type RaftliteError, Unavailable } from "./errors.ts";
import { answerOf, type Call, type Exchange, Lost, messageOf } from "./exchange.ts";
import { type Failover, refusal } from "./failover.ts";
import type { Nodes } from "./nodes.ts";

/** A node says every ten seconds that it is there: one that says nothing for so long is not, in ms. */
const silenceMsMax = 25_000;
const pauseMs = 200;

export interface StreamParts {
  readonly nodes: Nodes;
  readonly exchange: Exchange;
  readonly failover: Failover;
  /** How long to look for a node. */
  readonly patienceMs: number;
}

interface Source<Message> {
  /** What is told, for an error's text. */
  readonly what: string;
  /** What to ask a node for, as things stand. */
  call(): Call;
  /** Reads a line. Throws a NotServed, which other nodes may not have to say, or what ends it for good. */
  read(line: string): Message;
  readonly signal: AbortSignal | undefined;
}

/** One node does not serve it, for a reason that may be its own. */
export class NotServed extends Error {
  readonly why: RaftliteError;

  constructor(why: RaftliteError) {
    super(why.message);
    this.why = why;
  }
}

/** What nodes tell of something without end, line by line: another one when one is lost. */
export async function* follow<Message extends { readonly isEnd: boolean }>(
  parts: StreamParts,
  source: Source<Message>,
): AsyncGenerator<Message, void, undefined> {
  const { nodes, failover, patienceMs } = parts;
  const { signal, what } = source;
  let deadline = new Deadline(patienceMs, signal);
  /** Of nodes that have been asked in vain since the last news, why they do not serve it. */
  const refusals = new Map<string, RaftliteError>();
  for (;;) {
    const node = nodes.current;
    let reason = "it ended the stream";
    try {
      for await (const message of messages(node, parts, source)) {
        refusals.clear();
        yield message;
        // The program may have taken its time.
        deadline = new Deadline(patienceMs, signal);
      }
    } catch (error) {
      if (error instanceof NotServed) {
        // Another node may keep more than this one.
        refusals.set(node, error.why);
        if (nodes.all.every((url) => refusals.has(url))) throw error.why;
      } else if (!(error instanceof Lost)) throw error;
      reason = error.message;
    }
    nodes.failed(node);
    if (deadline.isOver) {
      throw new Unavailable(`No node tells of ${what}: ${node}: ${reason}`);
    }
    await failover.relearn();
    await deadline.pause(pauseMs);
  }
}

/** What a node says, until it ends or breaks off; throws a Lost then. */
async function* messages<Message extends { readonly isEnd: boolean }>(
  node: string,
  { exchange }: StreamParts,
  source: Source<Message>,
): AsyncGenerator<Message, void, undefined> {
  const { signal } = source;
  const controller = new AbortController();
  const silence = new Silence(controller);
  const cancel = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    silence.begin();
    const response = await exchange.open(
      node,
      source.call(),
      controller.signal,
    );
    if (response.status !== 200) await refuse(response);
    for await (const line of linesOf(response, silence)) {
      const message = source.read(line);
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
  if (status === 410) throw new NotServed(new ChangesLost(text.trim()));
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
