import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";

const lookMs = 2_000;

/**
 * Looks now, and again a while after each time, as long as it is shown. Returns why the last time
 * failed; "" when it did not.
 */
export function useLooks(look: () => Promise<void>): string {
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const lookOn = () =>
      look().then(() => setFailure(""), (error) => setFailure(messageOf(error)))
        .finally(() => {
          if (!isGone) timer = setTimeout(lookOn, lookMs);
        });
    lookOn();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);
  return failure;
}
