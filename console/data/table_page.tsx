import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import type { Who } from "../api/session.ts";
import { Failure } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";
import { tableLink } from "./links.ts";
import { RowsView } from "./rows_view.tsx";
import { type Structure, structureOf } from "./schema.ts";
import { StructureView } from "./structure_view.tsx";

interface TablePageProps {
  readonly who: Who;
  readonly name: string;
  readonly isStructure: boolean;
}

/** One table or view: what is in it, and how it is made. */
export function TablePage({ who, name, isStructure }: TablePageProps) {
  const [structure, setStructure] = useState<Structure | undefined>(undefined);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    structureOf(who, name).then(
      (found) =>
        found === undefined ? setFailure(`There is no table ${name}`) : setStructure(found),
      (error) => setFailure(messageOf(error)),
    );
  }, [name]);
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
