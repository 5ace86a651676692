import { useRef, useState } from "preact/hooks";
import { askJson } from "../api/client.ts";
import { useLooks } from "../parts/looks.ts";

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
  const last = useRef(0);
  const failure = useLooks(async () => {
    const { lines: come } = await askJson<{ lines: T[] }>(`${path}?after=${last.current}`);
    const [first] = come;
    const isAnew = first !== undefined && first.number <= last.current;
    last.current = come.at(-1)?.number ?? last.current;
    setLines((before = []) =>
      come.length === 0
        ? before
        : [...come.toReversed(), ...(isAnew ? [] : before)].slice(0, keptMax)
    );
  });
  return { lines, failure };
}
