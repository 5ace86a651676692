import type { ParameterKind, ParameterValue, Slot } from "./run.ts";

interface ParametersProps {
  readonly slots: readonly Slot[];
  readonly values: Readonly<Record<string, ParameterValue>>;
  readonly onChange: (values: Readonly<Record<string, ParameterValue>>) => void;
}

const kinds: Readonly<Record<ParameterKind, string>> = {
  text: "text",
  number: "number",
  null: "NULL",
  blob: "blob (hex)",
};

/** Values for the parameters of the statements, as typed; sent beside the SQL, never inside it. */
export function ParameterFields({ slots, values, onChange }: ParametersProps) {
  if (slots.length === 0) return null;
  return (
    <fieldset class="parameters">
      <legend class="soft small">Parameters</legend>
      {slots.map(({ key, label }) => {
        const value = values[key] ?? { kind: "text", text: "" };
        const set = (change: Partial<ParameterValue>) =>
          onChange({ ...values, [key]: { ...value, ...change } });
        return (
          <div key={key} class="parameter">
            <code>{label}</code>
            <input
              class="field mono"
              aria-label={`Value of ${label}`}
              disabled={value.kind === "null"}
              value={value.text}
              onInput={({ currentTarget }) => set({ text: currentTarget.value })}
            />
            <select
              class="field"
              aria-label={`Type of ${label}`}
              value={value.kind}
              onChange={({ currentTarget }) => set({ kind: currentTarget.value as ParameterKind })}
            >
              {Object.entries(kinds).map(([kind, words]) => (
                <option key={kind} value={kind}>{words}</option>
              ))}
            </select>
          </div>
        );
      })}
    </fieldset>
  );
}
