import { useState } from "preact/hooks";
import { Icon } from "../parts/icons.tsx";
import type { Column } from "./schema.ts";
import type { Filter, Operator } from "./statements.ts";

const operators: readonly Operator[] = ["=", "<>", "<", ">", "contains", "is null", "is not null"];

interface FilterBarProps {
  readonly columns: readonly Column[];
  readonly filters: readonly Filter[];
  readonly onChange: (filters: readonly Filter[]) => void;
}

/** Conditions that rows must meet, all of them. */
export function FilterBar({ columns, filters, onChange }: FilterBarProps) {
  const [column, setColumn] = useState(columns[0]?.name ?? "");
  const [operator, setOperator] = useState<Operator>("contains");
  const [text, setText] = useState("");
  const needsText = !operator.startsWith("is ");
  return (
    <form
      class="row filters"
      onSubmit={(event) => {
        event.preventDefault();
        onChange([...filters, { column, operator, text: needsText ? text : "" }]);
        setText("");
      }}
    >
      <select
        class="field"
        aria-label="Column to filter by"
        value={column}
        onChange={({ currentTarget }) => setColumn(currentTarget.value)}
      >
        {columns.map(({ name }) => <option key={name}>{name}</option>)}
      </select>
      <select
        class="field"
        aria-label="How to compare"
        value={operator}
        onChange={({ currentTarget }) => setOperator(currentTarget.value as Operator)}
      >
        {operators.map((name) => <option key={name}>{name}</option>)}
      </select>
      {needsText && (
        <input
          class="field search"
          aria-label="Value to compare with"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      )}
      <button type="submit" class="button">
        <Icon name="filter" />Filter
      </button>
      {filters.map((filter, place) => (
        <button
          key={place}
          type="button"
          class="chip leads"
          aria-label={`Take away: ${filter.column} ${filter.operator} ${filter.text}`}
          onClick={() => onChange(filters.filter((_, other) => other !== place))}
        >
          {filter.column} {filter.operator} {filter.text} ×
        </button>
      ))}
    </form>
  );
}
