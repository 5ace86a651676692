import type { ComponentChildren } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { Value } from "../api/exact.ts";
import { cellKind, cellText, type Clipped } from "./value_text.ts";

interface GridProps {
  /** What it shows, for who cannot see it. */
  readonly label: string;
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly (Value | Clipped)[])[];
  /** Somebody wants to see all of a cell. */
  readonly onOpen: (row: number, column: number) => void;
  /** What stands in a column's head; its name otherwise. */
  readonly head?: (column: number) => ComponentChildren;
}

/** All rows have this height, so that those that are not in sight need not be there. */
const rowPx = 30;
const headPx = 34;
const spareRows = 12;
/** Rows by whose texts the widths are chosen. */
const measuredRows = 60;

const numeric = /^(?:integer|real|number)$/i;

function widths(
  { columns, types, rows }: Pick<GridProps, "columns" | "types" | "rows">,
): number[] {
  return columns.map((name, column) => {
    let longest = name.length + 2;
    for (const row of rows.slice(0, measuredRows)) {
      longest = Math.max(
        longest,
        cellText(row[column] ?? null, types[column]).length,
      );
    }
    return Math.min(46, Math.max(7, longest)) * 7.9 + 22;
  });
}

/**
 * Rows in a table of which only those in sight are made: as quick with 100,000 as with ten. The
 * arrow keys move from cell to cell, Enter opens one.
 */
export function Grid({ label, columns, types, rows, onOpen, head }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const [top, setTop] = useState(0);
  const [heightPx, setHeight] = useState(600);
  const [active, setActive] = useState({ row: 0, column: 0 });
  const sizes = useMemo(() => widths({ columns, types, rows }), [
    columns,
    rows,
  ]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => setHeight(element.clientHeight));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    box.current?.scrollTo(0, 0);
    setActive({ row: 0, column: 0 });
  }, [rows]);
  const first = Math.max(0, Math.floor(top / rowPx) - spareRows);
  const last = Math.min(
    rows.length,
    Math.ceil((top + heightPx) / rowPx) + spareRows,
  );
  const move = (byRow: number, byColumn: number) => {
    const row = Math.max(0, Math.min(rows.length - 1, active.row + byRow));
    const column = Math.max(
      0,
      Math.min(columns.length - 1, active.column + byColumn),
    );
    setActive({ row, column });
    const element = box.current;
    if (element === null) return;
    const y = row * rowPx;
    if (y < element.scrollTop) element.scrollTop = y;
    const end = y + rowPx + headPx - element.clientHeight;
    if (end > element.scrollTop) element.scrollTop = end;
    const x = sizes.slice(0, column).reduce((sum, size) => sum + size, 0);
    if (x < element.scrollLeft) element.scrollLeft = x;
    const right = x + (sizes[column] ?? 0) - element.clientWidth;
    if (right > element.scrollLeft) element.scrollLeft = right;
  };
  const page = Math.max(1, Math.floor(heightPx / rowPx) - 2);
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-page, 0],
    PageDown: [page, 0],
    Home: [0, -columns.length],
    End: [0, columns.length],
  };
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return (
    <div
      class="grid-box"
      ref={box}
      tabIndex={0}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={rows.length > 0 ? `${id}-${active.row}-${active.column}` : undefined}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      onKeyDown={(event) => {
        if (event.target !== box.current) return;
        const by = moves[event.key];
        if (by !== undefined) move(...by);
        else if (event.key === "Enter" && rows.length > 0) {
          onOpen(
            active.row,
            active.column,
          );
        } else return;
        event.preventDefault();
      }}
    >
      <div class="grid" role="presentation" style={{ width: `${total}px` }}>
        <div class="grid-head" role="row" aria-rowindex={1}>
          {columns.map((name, column) => (
            <div
              key={column}
              role="columnheader"
              class={`grid-cell ${numeric.test(types[column] ?? "") ? "number" : ""}`}
              style={{ width: `${sizes[column]}px` }}
              title={`${name} ${types[column] ?? ""}`}
            >
              {head?.(column) ?? <span>{name}</span>}
            </div>
          ))}
        </div>
        <div role="presentation" style={{ height: `${first * rowPx}px` }} />
        {rows.slice(first, last).map((row, place) => {
          const number = first + place;
          return (
            <div
              key={number}
              role="row"
              class={`grid-row ${number % 2 === 1 ? "odd" : ""}`}
              aria-rowindex={number + 2}
            >
              {columns.map((_, column) => {
                const value = row[column] ?? null;
                const isActive = number === active.row &&
                  column === active.column;
                return (
                  <div
                    key={column}
                    id={`${id}-${number}-${column}`}
                    role="gridcell"
                    class={`grid-cell ${cellKind(value)} ${isActive ? "active" : ""}`}
                    style={{ width: `${sizes[column]}px` }}
                    onClick={() => setActive({ row: number, column })}
                    onDblClick={() => onOpen(number, column)}
                  >
                    {cellText(value, types[column])}
                  </div>
                );
              })}
            </div>
          );
        })}
        <div
          role="presentation"
          style={{ height: `${(rows.length - last) * rowPx}px` }}
        />
      </div>
    </div>
  );
}
