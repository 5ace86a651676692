import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import { act, send } from "../api/client.ts";
import { tell } from "../parts/toasts.tsx";

/** What a transaction may be, and what that means to others. */
export const modes = {
  deferred: "holds nobody up until its first write",
  immediate: "others’ writes wait until it ends",
  read: "sees one moment, and does not write",
  concurrent: "holds nobody up; its commit fails if what it saw has changed",
} as const;

export type Mode = keyof typeof modes;

/** How often it is asked whether it is still open, at least, in ms. */
const touchMsMax = 2_000;

/** A transaction that is open at the node. */
export interface OpenTransaction {
  readonly id: string;
  readonly mode: Mode;
  /** When the node ends it at the latest, by the clock of `performance.now`. */
  readonly endsAt: number;
  /** After so long without a request the node ends it, in ms. */
  readonly idleMs: number;
}

interface Begun {
  readonly tx: string;
  readonly open_ms: number;
  readonly idle_ms: number;
}

export interface TransactionHandle {
  readonly open: OpenTransaction | undefined;
  /** Why the last one ended otherwise than was asked for; "" for nothing. */
  readonly failure: string;
  readonly isBusy: boolean;
  readonly begin: (mode: Mode) => void;
  readonly commit: () => void;
  readonly rollBack: () => void;
  /** A request of it has failed, or ended it by SQL: is it still open? */
  readonly look: () => void;
}

/**
 * A transaction over several requests. As people think longer than programs, it is kept from being
 * idle for as long as the page is open, up to the time that a node lets it be open at all.
 */
export function useTransaction(): TransactionHandle {
  const [open, setOpen] = useState<OpenTransaction | undefined>(undefined);
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  const latest = useRef(open);
  latest.current = open;
  const over = (words: string) => {
    setOpen(undefined);
    setFailure(words);
  };
  const look = async () => {
    const { id } = latest.current ?? {};
    if (id === undefined) return;
    try {
      await touch(id);
    } catch (error) {
      // What has begun meanwhile is another.
      if (latest.current?.id === id) over(messageOf(error));
    }
  };
  useEffect(() => {
    if (open === undefined) return;
    const timer = setInterval(look, Math.min(touchMsMax, open.idleMs / 3));
    return () => clearInterval(timer);
  }, [open]);
  useEffect(() => () => {
    const { id } = latest.current ?? {};
    if (id === undefined) return;
    tell("The transaction is rolled back: its page was left");
    end("rollback", id).catch(() => {});
  }, []);
  const doing = async (what: () => Promise<void>) => {
    setBusy(true);
    setFailure("");
    try {
      await what();
    } catch (error) {
      // A commit that fails has ended it, or nobody knows: the words say which.
      over(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const ending = (how: "commit" | "rollback", words: string) => () =>
    doing(async () => {
      if (open === undefined) return;
      await end(how, open.id);
      setOpen(undefined);
      tell(words);
    });
  return {
    ...{ open, failure, isBusy, look },
    begin: (mode) =>
      doing(async () => {
        const { tx: id, open_ms, idle_ms: idleMs } = await begun(mode);
        setOpen({ id, mode, endsAt: performance.now() + open_ms, idleMs });
      }),
    commit: ending("commit", "The transaction is committed"),
    rollBack: ending("rollback", "The transaction is rolled back"),
  };
}

async function begun(mode: Mode): Promise<Begun> {
  return await (await act("/db/begin", "POST", { mode })).json();
}

async function end(how: "commit" | "rollback", id: string): Promise<void> {
  await act(`/db/${how}?tx=${encodeURIComponent(id)}`, "POST");
}

/** A request that reads nothing, so that what it has seen stays what its statements saw. */
async function touch(id: string): Promise<void> {
  await send(`/db/query?tx=${encodeURIComponent(id)}`, [["SELECT 1"]]);
}
