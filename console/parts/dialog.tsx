import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";

interface DialogProps {
  readonly title: string;
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly foot?: ComponentChildren;
}

/** A window over the page, which the browser itself keeps the keyboard in; Escape closes it. */
export function Dialog({ title, wide, onClose, children, foot }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    if (dialog?.open === false) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "wide" : ""}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
      {foot && <div class="dialog-foot">{foot}</div>}
    </dialog>
  );
}

interface QuestionProps {
  readonly title: string;
  /** The word on the button that does it. */
  readonly verb: string;
  readonly grave?: boolean;
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Asks before something is done, and says what it does; stays when that fails, and says why. */
export function Question(
  { title, verb, grave, act, onClose, children }: QuestionProps,
) {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  const run = async () => {
    setBusy(true);
    setFailure("");
    try {
      await act();
      onClose();
    } catch (error) {
      setFailure(messageOf(error));
      setBusy(false);
    }
  };
  const foot = (
    <>
      <button type="button" class="button" onClick={onClose}>Cancel</button>
      <button
        type="button"
        class={`button main-one ${grave ? "grave" : ""}`}
        disabled={isBusy}
        onClick={run}
      >
        {isBusy ? "Working…" : verb}
      </button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} foot={foot}>
      {children}
      <Failure text={failure} />
    </Dialog>
  );
}

/** Why something was not done; takes no room as long as nothing is wrong. */
export function Failure({ text }: { readonly text: string }) {
  return (
    <div role="alert">
      {text && (
        <div class="notice bad">
          <p>{text}</p>
        </div>
      )}
    </div>
  );
}
