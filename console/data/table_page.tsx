import type { Who } from "../api/session.ts";
import { Failure } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { tableLink } from "./links.ts";
import { RowsView } from "./rows_view.tsx";
import { structureOf } from "./schema.ts";
import { StructureView } from "./structure_view.tsx";

interface TablePageProps {
  readonly who: Who;
  readonly name: string;
  readonly isStructure: boolean;
}

/** One table or view: what is in it, and how it is made. */
export function TablePage({ who, name, isStructure }: TablePageProps) {
  const { value: structure, failure } = useLoaded(async () => {
    const found = await structureOf(who, name);
    if (found === undefined) throw new Error(`There is no table ${name}`);
    return found;
  });
  return (
    <>
      <div class="page-head">
        <a class="button quiet" href="#/data" aria-label="All tables">
          <Icon name="back" />
        </a>
        <h1 class="table-name">{name}</h1>
        {structure && structure.relation.kind !== "table" && (
          <span class="chip">{structure.relation.kind}</span>
        )}
        <nav class="row end" aria-label="Of this table">
          <a class="button" href={tableLink(name)} aria-current={isStructure ? undefined : "page"}>
            Rows
          </a>
          <a
            class="button"
            href={tableLink(name, "structure")}
            aria-current={isStructure ? "page" : undefined}
          >
            Structure
          </a>
        </nav>
      </div>
      <Failure text={failure} />
      {structure && (isStructure
        ? <StructureView who={who} structure={structure} />
        : <RowsView who={who} structure={structure} />)}
    </>
  );
}
