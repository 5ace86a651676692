import { useState } from "preact/hooks";
import { Failure } from "../parts/dialog.tsx";
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
          <input
            class="field"
            type="search"
            aria-label="Only lines with"
            placeholder="Only lines with…"
            value={search}
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
          <label class="row">
            <input
              type="checkbox"
              checked={isGraveOnly}
              onChange={({ currentTarget }) => setGraveOnly(currentTarget.checked)}
            />
            Warnings and errors
          </label>
        </span>
      </div>
      <Failure text={failure} />
      <div class="card scroll-x" role="region" aria-label="Lines of the log" tabIndex={0}>
        <table class="plain-table stacks">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Level</th>
              <th scope="col">Of</th>
              <th scope="col">What</th>
            </tr>
          </thead>
          <tbody>
            {shown?.length === 0 && (
              <tr>
                <td colSpan={4} class="soft">No such lines.</td>
              </tr>
            )}
            {shown?.map(({ number, time, level, room, message }) => (
              <tr key={number}>
                <td class="number left soft" title={time}>{new Date(time).toLocaleTimeString()}</td>
                <td class={`level-${level}`}>{level}</td>
                <td class="soft">{room}</td>
                <td class="words">{message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
