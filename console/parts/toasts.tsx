import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icons.tsx";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const toastsMax = 4;
const shownMs = 6_000;

let toasts: readonly Toast[] = [];
let last = 0;
let listener: () => void = () => {};

/** Says in a corner that something is done, or why it is not; a failure stays until it is closed. */
export function tell(text: string, isBad = false): void {
  const toast = { id: ++last, text, isBad };
  toasts = [...toasts, toast].slice(-toastsMax);
  listener();
  if (!isBad) setTimeout(() => forget(toast.id), shownMs);
}

function forget(id: number): void {
  toasts = toasts.filter((toast) => toast.id !== id);
  listener();
}

export function Toasts() {
  const [, update] = useState(0);
  useEffect(() => {
    listener = () => update((count) => count + 1);
    return () => listener = () => {};
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, isBad }) => (
        <div key={id} class={`toast ${isBad ? "bad" : ""}`}>
          <span>{text}</span>
          <button
            type="button"
            class="button quiet end"
            aria-label="Close the message"
            onClick={() => forget(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
