import { useState } from "preact/hooks";
import { askJson } from "../api/client.ts";
import { Failure } from "../parts/dialog.tsx";
import { Check, OnlyWith } from "../parts/fields.tsx";
import { ListTable } from "../parts/list_table.tsx";
import { useLoaded } from "../parts/loaded.ts";

interface Flag {
  readonly name: string;
  readonly group: string;
  readonly value: string;
  readonly source: string;
  readonly help: string;
}

/** How the node was started. */
export function Flags() {
  const { value, failure } = useLoaded(() => askJson<{ flags: readonly Flag[] }>("/debug/flags"));
  const [search, setSearch] = useState("");
  const [hasDefaults, setDefaults] = useState(false);
  const shown = value?.flags.filter(({ name, group, help, source }) =>
    (hasDefaults || source !== "default") &&
    `-${name} ${group} ${help}`.toLowerCase().includes(search.toLowerCase())
  );
  return (
    <section class="stack" aria-labelledby="flags">
      <div class="row">
        <h2 id="flags">Configuration</h2>
        <span class="soft small">without what may be secret</span>
        <span class="tools">
          <OnlyWith what="flags" value={search} set={setSearch} />
          <Check words="Defaults, too" isOn={hasDefaults} set={setDefaults} />
        </span>
      </div>
      <Failure text={failure} />
      {shown && (
        <ListTable label="Flags" heads={["Flag", "Value", "From", "What it does"]}>
          {shown.length === 0 && (
            <tr>
              <td colSpan={4} class="soft">No such flags.</td>
            </tr>
          )}
          {shown.map(({ name, value, source, help }) => (
            <tr key={name}>
              <td class="mono name">-{name}</td>
              <td class="mono words">{value}</td>
              <td class="soft name">{source}</td>
              <td class="soft help">{help}</td>
            </tr>
          ))}
        </ListTable>
      )}
    </section>
  );
}
