import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import { askJson } from "../api/client.ts";

const lookMs = 2_000;
/** More than a node keeps of either. */
const keptMax = 2_000;

interface Numbered {
  readonly number: number;
}

/**
 * Lines of a node as they come, the newest first; those that the node forgets stay a while here, until
 * it is started anew and counts from 1 again.
 */
export function useLines<T extends Numbered>(path: string) {
  const [lines, setLines] = useState<readonly T[] | undefined>(undefined);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    let last = 0;
    const look = () =>
      askJson<{ lines: T[] }>(`${path}?after=${last}`).then(({ lines: come }) => {
        setFailure("");
        const [first] = come;
        const isAnew = first !== undefined && first.number <= last;
        last = come.at(-1)?.number ?? last;
        setLines((before = []) =>
          come.length === 0
            ? before
            : [...come.toReversed(), ...(isAnew ? [] : before)].slice(0, keptMax)
        );
      }, (error) => setFailure(messageOf(error)))
        .finally(() => {
          if (!isGone) timer = setTimeout(look, lookMs);
        });
    look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [path]);
  return { lines, failure };
}
