import { useEffect, useState } from "preact/hooks";
import { Failure } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";
import { type Mode, modes, type TransactionHandle } from "./transaction.ts";

/** Opens a transaction, says that one is open and for how long, and ends it. */
export function TransactionBar({ transaction }: { readonly transaction: TransactionHandle }) {
  const { open, failure, isBusy, begin, commit, rollBack } = transaction;
  const [mode, setMode] = useState<Mode>("deferred");
  return (
    <>
      <div class={`editor-foot ${open === undefined ? "" : "tx-open"}`}>
        {open === undefined
          ? (
            <>
              <label class="row soft small">
                Transaction
                <select
                  class="field"
                  value={mode}
                  onChange={({ currentTarget }) => setMode(currentTarget.value as Mode)}
                >
                  {Object.keys(modes).map((name) => <option key={name}>{name}</option>)}
                </select>
              </label>
              <button type="button" class="button" disabled={isBusy} onClick={() => begin(mode)}>
                Begin
              </button>
              <span class="soft small">{modes[mode]}</span>
            </>
          )
          : (
            <>
              <span class="row" role="status">
                <span class="dot warn" aria-hidden="true" />
                <strong>A transaction is open</strong>
                <span class="soft small">{open.mode}: {modes[open.mode]}</span>
              </span>
              <TimeLeft endsAt={open.endsAt} />
              <span class="row end">
                <button
                  type="button"
                  class="button main-one"
                  disabled={isBusy}
                  onClick={commit}
                >
                  <Icon name="up" />Commit
                </button>
                <button type="button" class="button" disabled={isBusy} onClick={rollBack}>
                  Roll back
                </button>
              </span>
            </>
          )}
      </div>
      <Failure text={failure} />
    </>
  );
}

/** Counts down to when the node ends it by itself. */
function TimeLeft({ endsAt }: { readonly endsAt: number }) {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, Math.ceil((endsAt - now) / 1_000));
  return (
    <span class="soft small number">
      {left === 0 ? "the node ends it now" : `rolled back in ${left} s unless committed`}
    </span>
  );
}
