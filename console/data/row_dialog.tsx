import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import { sendOne, type Statement } from "../api/client.ts";
import { ValueView } from "../grid/value_view.tsx";
import { Dialog, Failure } from "../parts/dialog.tsx";
import { bytes } from "../parts/format.ts";
import { tell } from "../parts/toasts.tsx";
import { hexOf, isBlob, literal } from "../sql/export.ts";
import { bound } from "../sql/run.ts";
import type { Column, Structure } from "./schema.ts";
import {
  type Changes,
  deleteStatement,
  editedBytesMax,
  insertStatement,
  keyOf,
  rowStatement,
  type Stored,
  type StoredRow,
  storedRows,
  updateStatement,
} from "./statements.ts";

interface RowDialogProps {
  readonly structure: Structure;
  /** As the page has it; undefined for one to be added. */
  readonly row: StoredRow | undefined;
  readonly canWrite: boolean;
  readonly onClose: (isChanged: boolean) => void;
}

type Kind = "default" | "null" | "number" | "text" | "blob";

/** What somebody has typed for a column. */
interface Draft {
  readonly kind: Kind;
  readonly text: string;
}

function draftOf({ type, value }: Stored): Draft {
  if (type === "null") return { kind: "null", text: "" };
  if (type === "blob") return { kind: "blob", text: isBlob(value) ? hexOf(value) : "" };
  if (type === "text") return { kind: "text", text: String(value) };
  const text = type === "real" && Number.isInteger(value) ? `${value}.0` : String(value);
  return { kind: "number", text };
}

/** Throws when it is not what it is said to be. */
function storedOf({ kind, text }: Draft): Pick<Stored, "type" | "value"> {
  if (kind === "null" || kind === "default") return { type: "null", value: null };
  const value = bound({ kind, text }) as Stored["value"];
  if (kind === "number") {
    const isReal = /[.eE]/.test(text);
    return { type: isReal ? "real" : "integer", value: isReal ? Number(text) : value };
  }
  return { type: kind, value };
}

const isSame = (one: Draft | undefined, other: Draft) =>
  one?.kind === other.kind && one.text === other.text;

/** A row as a form. What is to be done is shown in SQL before it is. */
export function RowDialog({ structure, row, canWrite, onClose }: RowDialogProps) {
  const [whole, setWhole] = useState<StoredRow | undefined>(undefined);
  const [drafts, setDrafts] = useState<readonly Draft[]>(
    structure.columns.map(() => ({ kind: "default", text: "" })),
  );
  const [failure, setFailure] = useState("");
  const [planned, setPlanned] = useState<Statement | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const isNew = row === undefined;
  useEffect(() => {
    if (row === undefined || row.key.length === 0) return setWhole(row);
    readRow(structure, row).then((found) => {
      setWhole(found);
      setDrafts(found.cells.map(draftOf));
    }, (error) => setFailure(messageOf(error)));
  }, [row]);

  const plan = (make: () => Statement) => () => {
    setFailure("");
    try {
      setPlanned(make());
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const changes = (): Changes => {
    const changed = new Map<string, Pick<Stored, "type" | "value">>();
    for (const [place, { name, isGenerated }] of structure.columns.entries()) {
      const draft = drafts[place];
      const before = whole?.cells[place];
      if (draft === undefined || isGenerated || draft.kind === "default") continue;
      if (before !== undefined && isSame(draft, draftOf(before))) continue;
      try {
        changed.set(name, storedOf(draft));
      } catch (error) {
        throw new Error(`${name}: ${messageOf(error)}`);
      }
    }
    return changed;
  };
  const save = plan(() => {
    const changed = changes();
    if (whole === undefined) return insertStatement(structure, changed);
    if (changed.size === 0) throw new Error("Nothing is changed");
    return updateStatement(structure, whole, changed);
  });
  const remove = plan(() => deleteStatement(structure, whole as StoredRow));
  const carryOut = async () => {
    if (planned === undefined) return;
    setBusy(true);
    setFailure("");
    try {
      const { rows_affected = 0 } = await sendOne("/db/execute?transaction", planned);
      if (rows_affected === 0) {
        throw new Error(
          "The row is not as it was read: somebody else changed it. Nothing was done",
        );
      }
      tell(isNew ? "The row is added" : "Done");
      onClose(true);
    } catch (error) {
      setFailure(messageOf(error));
      setBusy(false);
    }
  };
  const foot = planned !== undefined
    ? (
      <>
        <button type="button" class="button" onClick={() => setPlanned(undefined)}>Back</button>
        <button type="button" class="button main-one" disabled={isBusy} onClick={carryOut}>
          {isBusy ? "Working…" : "Run it"}
        </button>
      </>
    )
    : (
      <>
        {canWrite && whole && !isNew && (
          <button type="button" class="button grave" onClick={remove}>Delete the row…</button>
        )}
        <button type="button" class="button" onClick={() => onClose(false)}>Close</button>
        {canWrite && (isNew || whole) && (
          <button type="button" class="button main-one" onClick={save}>
            {isNew ? "Add…" : "Save…"}
          </button>
        )}
      </>
    );
  return (
    <Dialog
      title={isNew
        ? `A new row of ${structure.relation.name}`
        : `A row of ${structure.relation.name}`}
      wide
      onClose={() => onClose(false)}
      foot={foot}
    >
      {planned !== undefined
        ? <Planned statement={planned} />
        : structure.columns.map((column, place) => (
          <FieldOf
            key={column.name}
            column={column}
            isNew={isNew}
            stored={whole?.cells[place]}
            canWrite={canWrite && !column.isGenerated}
            draft={drafts[place] ?? { kind: "null", text: "" }}
            onChange={(draft) => setDrafts(drafts.with(place, draft))}
          />
        ))}
      <Failure text={failure} />
    </Dialog>
  );
}

async function readRow(structure: Structure, { key }: StoredRow): Promise<StoredRow> {
  const route = "/db/query?blob_array&level=weak";
  const { values = [] } = await sendOne(route, rowStatement(structure, key));
  const length = keyOf(structure)?.length ?? 0;
  const [found] = storedRows(values, length, editedBytesMax);
  if (found === undefined) throw new Error("The row is gone");
  return found;
}

/** What is about to be done, in words that SQLite reads. */
function Planned({ statement: [sql, ...parameters] }: { readonly statement: Statement }) {
  return (
    <>
      <p>
        This is run in a transaction of its own. A row that is not as it was read, down to the last
        column, is left as it is.
      </p>
      <pre class="code">{sql}</pre>
      {parameters.length > 0 && (
        <ol class="bound small">
          {parameters.map((value, place) => (
            <li key={place}>
              <code>{literal(value as never).slice(0, 300)}</code>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

interface FieldProps {
  readonly column: Column;
  readonly isNew: boolean;
  readonly stored: Stored | undefined;
  readonly canWrite: boolean;
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}

const kindWords: Readonly<Record<Kind, string>> = {
  default: "as by default",
  null: "NULL",
  number: "number",
  text: "text",
  blob: "blob (hex)",
};

function FieldOf({ column, isNew, stored, canWrite, draft, onChange }: FieldProps) {
  const { name, type, defaultSql } = column;
  const isWhole = stored?.isWhole ?? true;
  const kinds = Object.keys(kindWords).filter((kind) => isNew || kind !== "default") as Kind[];
  const label = (
    <span class="field-name">
      <code>{name}</code> <span class="soft small">{type}</span>
      {column.keyPlace > 0 && <span class="chip">key</span>}
    </span>
  );
  if (!canWrite || !isWhole) {
    return (
      <div class="row-field">
        {label}
        {!isWhole && (
          <p class="soft small">
            {bytes(stored?.bytes)}, of which this is the beginning: it stays as it is. SQL can
            change it.
          </p>
        )}
        {stored && <ValueView value={stored.value} />}
      </div>
    );
  }
  return (
    <div class="row-field">
      <div class="row">
        {label}
        <select
          class="field small end"
          aria-label={`Type of ${name}`}
          value={draft.kind}
          onChange={({ currentTarget }) =>
            onChange({ ...draft, kind: currentTarget.value as Kind })}
        >
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {kind === "default" && defaultSql !== undefined
                ? `by default: ${defaultSql.slice(0, 40)}`
                : kindWords[kind]}
            </option>
          ))}
        </select>
      </div>
      {draft.kind !== "null" && draft.kind !== "default" && (
        <textarea
          class="field mono"
          aria-label={`Value of ${name}`}
          rows={Math.min(8, 1 + draft.text.split("\n").length + Math.floor(draft.text.length / 90))}
          value={draft.text}
          onInput={({ currentTarget }) => onChange({ ...draft, text: currentTarget.value })}
        />
      )}
      {stored?.type === "blob" && draft.kind === "blob" && <ValueView value={stored.value} />}
    </div>
  );
}
