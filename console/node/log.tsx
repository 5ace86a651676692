import { useState } from "preact/hooks";
import { Failure } from "../parts/dialog.tsx";
import { Check, OnlyWith } from "../parts/fields.tsx";
import { ListTable } from "../parts/list_table.tsx";
import { useLines } from "./lines.ts";

interface LogLine {
  readonly number: number;
  readonly time: string;
  readonly level: string;
  readonly room: string;
  readonly message: string;
}

const grave = ["WARN", "ERROR"];

/** The last lines of the node's log. */
export function Log() {
  const { lines, failure } = useLines<LogLine>("/debug/log");
  const [search, setSearch] = useState("");
  const [isGraveOnly, setGraveOnly] = useState(false);
  const shown = lines?.filter(({ level, room, message }) =>
    (!isGraveOnly || grave.includes(level)) &&
    `${room} ${message}`.toLowerCase().includes(search.toLowerCase())
  );
  return (
    <section class="stack" aria-labelledby="log">
      <div class="row">
        <h2 id="log">Log</h2>
        <span class="soft small">the last lines, the newest first</span>
        <span class="tools">
          <OnlyWith what="lines" value={search} set={setSearch} />
          <Check words="Warnings and errors" isOn={isGraveOnly} set={setGraveOnly} />
        </span>
      </div>
      <Failure text={failure} />
      {shown && (
        <ListTable label="Lines of the log" heads={["Time", "Level", "Of", "What"]}>
          {shown.length === 0 && (
            <tr>
              <td colSpan={4} class="soft">No such lines.</td>
            </tr>
          )}
          {shown.map(({ number, time, level, room, message }) => (
            <tr key={number}>
              <td class="number left soft" title={time}>{new Date(time).toLocaleTimeString()}</td>
              <td class={`level-${level}`}>{level}</td>
              <td class="soft">{room}</td>
              <td class="words">{message}</td>
            </tr>
          ))}
        </ListTable>
      )}
    </section>
  );
}
