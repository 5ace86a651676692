import { Failure } from "../parts/dialog.tsx";
import { ListTable } from "../parts/list_table.tsx";
import { useLines } from "./lines.ts";

interface AuditLine {
  readonly number: number;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Who did what, and was refused what, at this node. */
export function AuditLines() {
  const { lines, failure } = useLines<AuditLine>("/debug/audit");
  if (/keeps no audit log/.test(failure)) {
    return (
      <section class="card card-body stack" aria-labelledby="audit">
        <h2 id="audit">This node keeps no audit log</h2>
        <p>Start it with the flag below: it then writes down who did what, and was refused what.</p>
        <pre class="code">raftlite -audit-log /var/log/raftlite/audit.jsonl …</pre>
      </section>
    );
  }
  return (
    <section class="stack" aria-labelledby="audit">
      <div class="row">
        <h2 id="audit">Audit</h2>
        <span class="soft small">the last lines, the newest first</span>
      </div>
      <Failure text={failure} />
      {lines && (
        <ListTable
          label="Lines of the audit"
          heads={["Time", "What", "Outcome", "Who", "More"]}
        >
          {lines.map(({ number, event }) => <Line key={number} event={event} />)}
        </ListTable>
      )}
    </section>
  );
}

function Line({ event }: Pick<AuditLine, "event">) {
  const { time, node: _, what, outcome, user, claimed_user, address, ...more } = event;
  const isBad = outcome === "refused" || outcome === "failed";
  const who = user ?? (claimed_user === undefined ? undefined : `${claimed_user} (claimed)`);
  return (
    <tr>
      <td class="soft name" title={String(time)}>{new Date(String(time)).toLocaleString()}</td>
      <td>{String(what)}</td>
      <td class={isBad ? "level-ERROR" : ""}>{String(outcome)}</td>
      <td class="soft">{[who, address].filter(Boolean).join(" at ")}</td>
      <td class="words">
        <span class="cells">
          {Object.entries(more).map(([name, value]) => (
            <span key={name} class="cell">
              <b>{name}</b> {typeof value === "string" ? value : JSON.stringify(value)}
            </span>
          ))}
        </span>
      </td>
    </tr>
  );
}
