import { useEffect, useMemo, useState } from "preact/hooks";
import { identifier } from "../../src/sqlite/identifier.ts";
import { messageOf } from "../../src/base/message_of.ts";
import { send, sendOne } from "../api/client.ts";
import { mayWrite, type Who } from "../api/session.ts";
import { Grid } from "../grid/grid.tsx";
import { Clipped } from "../grid/value_text.ts";
import type { Value } from "../api/exact.ts";
import { Failure } from "../parts/dialog.tsx";
import { count, counted } from "../parts/format.ts";
import { Icon } from "../parts/icons.tsx";
import { hexOf, isBlob } from "../sql/export.ts";
import { FilterBar } from "./filter_bar.tsx";
import { RowDialog } from "./row_dialog.tsx";
import type { Structure } from "./schema.ts";
import {
  type Filter,
  keyOf,
  pageStatement,
  rowsOfPage,
  type Sorting,
  type Stored,
  type StoredRow,
  storedRows,
} from "./statements.ts";

interface RowsViewProps {
  readonly who: Who;
  readonly structure: Structure;
}

/** What one page shows beside its number: the last rows of the pages before it. */
interface Place {
  readonly sorting: Sorting | undefined;
  readonly filters: readonly Filter[];
  readonly behind: readonly StoredRow[];
}

const countTimeout = "3s";
const readTimeout = "30s";

function cellOf({ value, bytes, isWhole, type }: Stored): Value | Clipped {
  if (isBlob(value)) {
    return new Clipped(
      `x’${hexOf(value.slice(0, 24))}${bytes > 24 ? "…" : ""}’ (${count(bytes)} B)`,
      "blob",
    );
  }
  if (!isWhole) return new Clipped(`${String(value).replaceAll("\n", " ⏎ ")}…`, "text");
  return type === "real" && typeof value === "number" && Number.isInteger(value)
    ? new Clipped(`${value}.0`, "number")
    : value;
}

/** A table's rows, page by page. */
export function RowsView({ who, structure }: RowsViewProps) {
  const [place, setPlace] = useState<Place>({ sorting: undefined, filters: [], behind: [] });
  const [found, setFound] = useState<readonly StoredRow[] | undefined>(undefined);
  const cells = useMemo(() => found?.map(({ cells }) => cells.map(cellOf)) ?? [], [found]);
  const [total, setTotal] = useState<string>("");
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(true);
  const [open, setOpen] = useState<StoredRow | "new" | undefined>(undefined);
  const [version, setVersion] = useState(0);
  const { relation, columns } = structure;
  const key = keyOf(structure);
  const canWrite = key !== undefined && relation.kind === "table" &&
    mayWrite(who, relation.name);

  useEffect(() => {
    const end = new AbortController();
    setBusy(true);
    setFailure("");
    const { sorting, filters, behind } = place;
    const statement = pageStatement({
      ...{ structure, sorting, filters },
      after: behind.at(-1),
      page: behind.length,
    });
    const route = `/db/query?blob_array&level=weak&db_timeout=${readTimeout}`;
    sendOne(route, statement, end.signal).then(({ values = [] }) => {
      setFound(storedRows(values, key?.length ?? 0));
      setBusy(false);
    }, (error) => {
      if (end.signal.aborted) return;
      setFailure(messageOf(error));
      setBusy(false);
    });
    return () => end.abort();
  }, [place, version]);
  useEffect(() => {
    const sql = `SELECT count(*) FROM ${identifier(relation.name)}`;
    send(`/db/query?level=none&db_timeout=${countTimeout}`, [[sql]]).then(
      ({ results: [result] }) => {
        const rows = result?.values?.[0]?.[0];
        setTotal(
          typeof rows === "number" ? counted(rows, "row") : "too many rows to count quickly",
        );
      },
      () => setTotal(""),
    );
  }, [version]);

  const sort = (name: string) => {
    const { sorting } = place;
    const next = sorting?.column !== name
      ? { column: name, isDescending: false }
      : sorting.isDescending
      ? undefined
      : { column: name, isDescending: true };
    setPlace({ ...place, sorting: next, behind: [] });
  };
  const last = found?.at(-1);
  const first = place.behind.length * rowsOfPage + 1;
  const head = (column: number) => {
    const name = columns[column]?.name ?? "";
    const isSorted = place.sorting?.column === name;
    const sign = !isSorted ? "" : place.sorting?.isDescending ? " ↓" : " ↑";
    return (
      <button type="button" class="head-button" title="Sort" onClick={() => sort(name)}>
        {name}
        {sign}
      </button>
    );
  };
  return (
    <>
      <div class="row">
        <FilterBar
          columns={columns}
          filters={place.filters}
          onChange={(filters) => setPlace({ ...place, filters, behind: [] })}
        />
        <span class="soft small end number" role="status">{total}</span>
        {canWrite && (
          <button type="button" class="button" onClick={() => setOpen("new")}>
            <Icon name="plus" />Add a row
          </button>
        )}
      </div>
      <Failure text={failure} />
      <div class={`card rows ${isBusy ? "busy" : ""}`}>
        {found !== undefined && found.length === 0 && (
          <p class="empty">{place.filters.length > 0 ? "No row is like that." : "No rows."}</p>
        )}
        {found !== undefined && found.length > 0 && (
          <Grid
            label={`Rows of ${relation.name}`}
            columns={columns.map(({ name }) => name)}
            types={columns.map(({ type }) => type)}
            rows={cells}
            head={head}
            onOpen={(row) => setOpen(found[row])}
          />
        )}
        {found && (
          <div class="pager">
            <button
              type="button"
              class="button"
              disabled={isBusy || place.behind.length === 0}
              onClick={() => setPlace({ ...place, behind: place.behind.slice(0, -1) })}
            >
              Before
            </button>
            <span class="soft small number">
              {found.length > 0 ? `rows ${count(first)} to ${count(first + found.length - 1)}` : ""}
            </span>
            <button
              type="button"
              class="button"
              disabled={isBusy || last === undefined || found.length !== rowsOfPage}
              onClick={() => last && setPlace({ ...place, behind: [...place.behind, last] })}
            >
              Next
            </button>
            <span class="soft small end">
              {key === undefined
                ? "Read only: nothing tells one row from another"
                : "Enter opens a row"}
            </span>
          </div>
        )}
      </div>
      {open !== undefined && (
        <RowDialog
          structure={structure}
          row={open === "new" ? undefined : open}
          canWrite={canWrite}
          onClose={(isChanged) => {
            setOpen(undefined);
            if (isChanged) setVersion(version + 1);
          }}
        />
      )}
    </>
  );
}
