import { useEffect, useState } from "preact/hooks";
import { identifier } from "../../src/sqlite/identifier.ts";
import { messageOf } from "../../src/base/message_of.ts";
import { rows, send } from "../api/client.ts";
import type { Who } from "../api/session.ts";
import { Failure } from "../parts/dialog.tsx";
import { bytes, count, counted } from "../parts/format.ts";
import { Diagram } from "./diagram.tsx";
import { tableLink } from "./links.ts";
import { type Relation, relations } from "./schema.ts";
import { TablePage } from "./table_page.tsx";

interface DataPageProps {
  readonly who: Who;
  /** The table of the page's address; "" for none. */
  readonly table: string;
  readonly tab: string;
}

export function DataPage({ who, table, tab }: DataPageProps) {
  return table === ""
    ? <Overview who={who} />
    : <TablePage key={table} who={who} name={table} isStructure={tab === "structure"} />;
}

/** Tables whose rows are counted at once, and how long each may take: others are counted when opened. */
const countedMax = 40;
const countTimeout = "300ms";

async function countsOf(list: readonly Relation[]): Promise<ReadonlyMap<string, number>> {
  const tables = list.filter(({ kind }) => kind === "table").slice(0, countedMax);
  if (tables.length === 0) return new Map();
  const { results } = await send(
    `/db/query?level=none&db_timeout=${countTimeout}`,
    tables.map(({ name }) => [`SELECT count(*) FROM ${identifier(name)}`]),
  );
  return new Map(
    tables.flatMap(({ name }, place) => {
      const value = results[place]?.values?.[0]?.[0];
      return typeof value === "number" ? [[name, value] as const] : [];
    }),
  );
}

/** All that there is. */
function Overview({ who }: { readonly who: Who }) {
  const [list, setList] = useState<readonly Relation[] | undefined>(undefined);
  const [counts, setCounts] = useState<ReadonlyMap<string, number>>(new Map());
  const [sizes, setSizes] = useState<ReadonlyMap<string, number> | undefined>(undefined);
  const [isMeasuring, setMeasuring] = useState(false);
  const [search, setSearch] = useState("");
  const [failure, setFailure] = useState("");
  useEffect(() => {
    relations(who).then((found) => {
      setList(found);
      countsOf(found).then(setCounts, () => {});
    }, (error) => setFailure(messageOf(error)));
  }, []);
  const measure = async () => {
    setMeasuring(true);
    setFailure("");
    try {
      const found = await rows(
        `SELECT m.tbl_name, sum(d.pgsize) FROM dbstat AS d, sqlite_schema AS m
         WHERE d.name = m.name AND d.aggregate = TRUE GROUP BY 1`,
        [],
        "none",
      );
      setSizes(new Map(found.map(([name, size]) => [String(name), Number(size)])));
    } catch (error) {
      setFailure(`The sizes cannot be measured: ${messageOf(error)}`);
    } finally {
      setMeasuring(false);
    }
  };
  const shown = list?.filter(({ name, kind }) =>
    kind !== "shadow" && name.toLowerCase().includes(search.toLowerCase())
  );
  return (
    <>
      <div class="page-head">
        <h1>Data</h1>
        <span class="row end">
          {who.tables === undefined && (
            <button type="button" class="button" disabled={isMeasuring} onClick={measure}>
              {isMeasuring ? "Measuring…" : "Measure sizes"}
            </button>
          )}
          <input
            class="field search"
            type="search"
            aria-label="Find a table"
            placeholder="Find a table"
            value={search}
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
        </span>
      </div>
      <Failure text={failure} />
      {shown?.length === 0 && (
        <div class="card empty">
          {search === ""
            ? <p>There are no tables yet. Make one with SQL.</p>
            : <p>No such table.</p>}
        </div>
      )}
      {shown !== undefined && shown.length > 0 && (
        <div class="card scroll-x">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Kind</th>
                <th scope="col" class="number">Columns</th>
                <th scope="col" class="number">Rows</th>
                <th scope="col" class="number" title="With its indexes">On disk</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ name, kind, columns }) => (
                <tr key={name}>
                  <td>
                    <a href={tableLink(name)}>{name}</a>
                  </td>
                  <td class="soft">{kind === "virtual" ? "virtual table" : kind}</td>
                  <td class="number">{columns}</td>
                  <td class="number">{count(counts.get(name))}</td>
                  <td class="number">{sizes === undefined ? "–" : bytes(sizes.get(name))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {who.tables === undefined && <Diagram />}
      {list && <p class="soft small">{counted(list.length, "table or view", "tables and views")}
      </p>}
    </>
  );
}
