import { useState } from "preact/hooks";
import { identifier } from "../../src/sqlite/identifier.ts";
import { sendOne } from "../api/client.ts";
import { may, type Who } from "../api/session.ts";
import { Question } from "../parts/dialog.tsx";
import { copy } from "../parts/save.ts";
import { tell } from "../parts/toasts.tsx";
import { tableLink } from "./links.ts";
import type { Structure } from "./schema.ts";

interface StructureViewProps {
  readonly who: Who;
  readonly structure: Structure;
}

/** How a table is made, and what belongs to it. */
export function StructureView({ who, structure }: StructureViewProps) {
  const [drops, setDrops] = useState(false);
  const { relation, columns, foreignKeys, referredBy, indexes, triggers, statements } = structure;
  const sql = statements.join("\n\n");
  const word = relation.kind === "view" ? "view" : "table";
  return (
    <>
      <section class="card scroll-x" aria-label="Columns">
        <table class="plain-table stacks">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Type</th>
              <th scope="col">Default</th>
              <th scope="col">Is</th>
            </tr>
          </thead>
          <tbody>
            {columns.map(({ name, type, notNull, defaultSql, keyPlace, isGenerated }) => (
              <tr key={name}>
                <td>
                  <code>{name}</code>
                </td>
                <td>
                  <code class="soft">{type || "any"}</code>
                </td>
                <td>{defaultSql && <code>{defaultSql}</code>}</td>
                <td>
                  <span class="row">
                    {keyPlace > 0 && <span class="chip leads">primary key</span>}
                    {notNull && <span class="chip">not null</span>}
                    {isGenerated && <span class="chip">generated</span>}
                    {foreignKeys.filter(({ from }) =>
                      from.includes(name)
                    ).map(({ table, to }) => (
                      <a key={table} href={tableLink(table, "structure")}>
                        → {table}
                        {to.length > 0 && ` (${to.join(", ")})`}
                      </a>
                    ))}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {(foreignKeys.length > 0 || referredBy.length > 0) && (
        <section class="card card-body stack" aria-labelledby="references">
          <h2 id="references">References</h2>
          <div class="references">
            <ul>
              {referredBy.map((name) => (
                <li key={name}>
                  <a href={tableLink(name, "structure")}>{name}</a>
                </li>
              ))}
            </ul>
            <strong class="chip leads">{relation.name}</strong>
            <ul>
              {foreignKeys.map(({ table, from, onDelete }) => (
                <li key={`${table} ${from.join()}`}>
                  <a href={tableLink(table, "structure")}>{table}</a>{" "}
                  <span class="soft small">
                    by {from.join(", ")}
                    {onDelete !== "NO ACTION" && `, on delete ${onDelete.toLowerCase()}`}
                  </span>
                </li>
              ))}
            </ul>
          </div>
        </section>
      )}
      {indexes.length > 0 && (
        <section class="card scroll-x" aria-label="Indexes">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Index</th>
                <th scope="col">Columns</th>
                <th scope="col">Is</th>
              </tr>
            </thead>
            <tbody>
              {indexes.map(({ name, columns, isUnique, isPartial, origin }) => (
                <tr key={name}>
                  <td>
                    <code>{name}</code>
                  </td>
                  <td>{columns.join(", ")}</td>
                  <td>
                    <span class="row">
                      {isUnique && <span class="chip">unique</span>}
                      {isPartial && <span class="chip">partial</span>}
                      {origin !== "c" && <span class="chip">of a constraint</span>}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <section class="stack" aria-labelledby="made-by">
        <div class="row">
          <h2 id="made-by">Made by</h2>
          {triggers.length > 0 && <span class="chip">with triggers: {triggers.join(", ")}</span>}
          <button
            type="button"
            class="button quiet end"
            onClick={() => copy(sql)}
          >
            Copy
          </button>
        </div>
        <pre class="code">{sql}</pre>
      </section>
      {may(who, "execute") && who.tables === undefined && (
        <div>
          <button type="button" class="button grave" onClick={() => setDrops(true)}>
            Drop the {word}
          </button>
        </div>
      )}
      {drops && (
        <Question
          title={`Drop the ${word} ${relation.name}?`}
          verb="Drop it"
          grave
          onClose={() => setDrops(false)}
          act={async () => {
            const drop = `DROP ${word.toUpperCase()} ${identifier(relation.name)}`;
            await sendOne("/db/execute", [drop]);
            tell(`${relation.name} is gone`);
            location.hash = "#/data";
          }}
        >
          <p>
            {word === "view"
              ? "The view is gone then, on every node. The rows that it shows stay where they are."
              : "All of its rows, indexes and triggers are gone then, on every node. Only a backup has them."}
          </p>
        </Question>
      )}
    </>
  );
}
