import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import type { Result } from "../api/client.ts";
import { may, type Who } from "../api/session.ts";
import { Failure } from "../parts/dialog.tsx";
import { milliseconds } from "../parts/format.ts";
import { Icon } from "../parts/icons.tsx";
import { copy } from "../parts/save.ts";
import type { Editor, Names } from "./editor.ts";
import { history } from "./history.ts";
import { ParameterFields } from "./parameters.tsx";
import { ResultView } from "./results.tsx";
import { type ParameterValue, run, slotsOf, withParameters } from "./run.ts";
import { schemaNames } from "./schema_names.ts";
import { SaveDialog, ShelfDialog } from "./shelf.tsx";
import { splitStatements } from "./split.ts";
import { useTransaction } from "./transaction.ts";
import { TransactionBar } from "./transaction_bar.tsx";

const levels = ["weak", "none", "linearizable", "strong", "auto"];

interface Outcome {
  readonly statements: readonly string[];
  readonly results: readonly Result[];
  /** From the click to the last row, in ms. */
  readonly tookMs: number;
}

/** What was typed outlives a look at another page. */
let draft = "";

interface SqlPageProps {
  readonly who: Who;
  /** SQL of the page's address: it is shown, and runs when somebody says so. */
  readonly given: string | undefined;
}

export function SqlPage({ who, given }: SqlPageProps) {
  const [text, setText] = useState(given ?? draft);
  const [level, setLevel] = useState("weak");
  const [freshness, setFreshness] = useState("");
  const [isTransaction, setTransaction] = useState(false);
  const [values, setValues] = useState<
    Readonly<Record<string, ParameterValue>>
  >({});
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);
  const [failure, setFailure] = useState("");
  const [running, setRunning] = useState<AbortController | undefined>(
    undefined,
  );
  const [dialog, setDialog] = useState<"shelf" | "save" | undefined>(undefined);
  const editor = useRef<Editor | undefined>(undefined);
  draft = text;
  const transaction = useTransaction();

  const start = async (explains: boolean) => {
    if (running !== undefined) return;
    const chosen = editor.current?.chosen ?? text;
    const statements = splitStatements(chosen).map((sql) =>
      explains ? `EXPLAIN QUERY PLAN ${sql.replace(/^explain\s+(query\s+plan\s+)?/i, "")}` : sql
    );
    if (statements.length === 0) return;
    const end = new AbortController();
    setRunning(end);
    setFailure("");
    const startedAt = performance.now();
    try {
      const asked = withParameters(statements, values);
      if (!explains) history.add({ sql: chosen.trim() });
      const options = {
        level,
        freshness,
        transaction: isTransaction && !explains,
        tx: transaction.open?.id,
      };
      const { results } = await run(who, asked, options, end.signal);
      setOutcome({
        statements,
        results,
        tookMs: performance.now() - startedAt,
      });
    } catch (error) {
      setOutcome(undefined);
      setFailure(
        end.signal.aborted ? "Ended: the node stops what it was at" : messageOf(error),
      );
    } finally {
      setRunning(undefined);
      transaction.look();
    }
  };
  const startLatest = useRef(start);
  startLatest.current = start;

  useEffect(() => {
    if (given === undefined) return;
    setText(given);
    editor.current?.set(given);
  }, [given]);
  const take = (sql: string) => {
    setText(sql);
    editor.current?.set(sql);
    editor.current?.focus();
  };

  const slots = slotsOf(splitStatements(text));
  return (
    <>
      <div class="page-head">
        <h1>SQL</h1>
        <span class="row end">
          <button
            type="button"
            class="button quiet"
            onClick={() => setDialog("shelf")}
          >
            <Icon name="star" />Saved and recent
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() => setDialog("save")}
          >
            Save
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() =>
              copy(
                `${location.origin}/console/#/sql/${encodeURIComponent(text)}`,
                "The link is copied",
              )}
          >
            Copy a link
          </button>
        </span>
      </div>
      <div class="card editor-card">
        <EditorPlace
          text={text}
          names={may(who, "query") ? schemaNames : undefined}
          onText={setText}
          onRun={() => startLatest.current(false)}
          onReady={(ready) => editor.current = ready}
        />
        <ParameterFields slots={slots} values={values} onChange={setValues} />
        <div class="editor-foot">
          {running === undefined
            ? (
              <button
                type="button"
                class="button main-one"
                onClick={() => start(false)}
              >
                <Icon name="play" />Run
              </button>
            )
            : (
              <button
                type="button"
                class="button grave"
                onClick={() => running.abort()}
              >
                <Icon name="stop" />Cancel
              </button>
            )}
          <button
            type="button"
            class="button"
            disabled={running !== undefined}
            onClick={() => start(true)}
          >
            Explain
          </button>
          {may(who, "query") && transaction.open === undefined && (
            <label class="row soft small">
              Level
              <select
                class="field"
                value={level}
                onChange={({ currentTarget }) => setLevel(currentTarget.value)}
              >
                {levels.map((name) => <option key={name}>{name}</option>)}
              </select>
            </label>
          )}
          {level === "none" && transaction.open === undefined && (
            <label class="row soft small">
              Not older than
              <input
                class="field freshness"
                placeholder="1s"
                value={freshness}
                onInput={({ currentTarget }) => setFreshness(currentTarget.value)}
              />
            </label>
          )}
          {may(who, "execute") && (
            <label class="row soft small">
              <input
                type="checkbox"
                checked={isTransaction}
                onChange={({ currentTarget }) => setTransaction(currentTarget.checked)}
              />
              All or nothing
            </label>
          )}
          <span class="soft small end number" role="status">
            {running !== undefined
              ? "Running…"
              : outcome
              ? `${milliseconds(outcome.tookMs)} in all`
              : "Ctrl-Enter runs what is selected, or all"}
          </span>
        </div>
        {may(who, "query", "execute") && <TransactionBar transaction={transaction} />}
      </div>
      <Failure text={failure} />
      {outcome?.results.map((result, place) => (
        <ResultView
          key={place}
          sql={outcome.statements[place] ?? ""}
          result={result}
        />
      ))}
      {dialog === "shelf" && (
        <ShelfDialog
          onTake={take}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === "save" && (
        <SaveDialog
          sql={text}
          onClose={() => setDialog(undefined)}
        />
      )}
    </>
  );
}

interface EditorPlaceProps {
  readonly text: string;
  /** Asks what is to be completed. */
  readonly names: (() => Promise<Names>) | undefined;
  readonly onText: (text: string) => void;
  readonly onRun: () => void;
  readonly onReady: (editor: Editor) => void;
}

/** Where the editor comes to be: its code is fetched when it is first needed. */
function EditorPlace({ text, names, onText, onRun, onReady }: EditorPlaceProps) {
  const place = useRef<HTMLDivElement>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let editor: Editor | undefined;
    let isGone = false;
    import("./editor.ts").then(({ createEditor }) => {
      if (isGone || place.current === null) return;
      editor = createEditor({
        parent: place.current,
        text,
        onChange: onText,
        onRun,
      });
      onReady(editor);
      editor.focus();
      names?.().then((found) => isGone || editor?.complete(found));
    }, () => setFailure("The editor could not be fetched: reload the page"));
    return () => {
      isGone = true;
      editor?.destroy();
    };
  }, []);
  return (
    <>
      <div class="editor" ref={place} />
      <Failure text={failure} />
    </>
  );
}
