import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";

export interface Loaded<T> {
  /** Undefined until there is one; stays when a later try fails. */
  readonly value: T | undefined;
  /** Why the last try failed; "" when it did not. */
  readonly failure: string;
  readonly loadAnew: () => void;
}

/** What is asked for when it is first to be shown, and when somebody wants it anew. */
export function useLoaded<T>(ask: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | undefined>(undefined);
  const [failure, setFailure] = useState("");
  const loadAnew = () => {
    ask().then((found) => {
      setValue(() => found);
      setFailure("");
    }, (error) => setFailure(messageOf(error)));
  };
  useEffect(loadAnew, []);
  return { value, failure, loadAnew };
}
