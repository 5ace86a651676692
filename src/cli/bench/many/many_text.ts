import Table from "cli-table3";
import type { ManyRow } from "./many_plan.ts";

/** The measurements as a table for people. */
export function manyText(rows: readonly ManyRow[]): string {
  const table = new Table({
    head: [
      ...["Beside", "Target", "p50 ms", "p99 ms", "max ms", "Errors", "Done"],
      ...["MB before", "most", "after"],
    ],
    colAligns: ["left", "left", ...Array(8).fill("right")],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    table.push([
      row.burden,
      row.target,
      ...[row.p50Ms, row.p99Ms, row.maxMs].map((ms) => ms.toFixed(2)),
      row.errors,
      row.done,
      ...[row.bytesBefore, row.bytesMost, row.bytesAfter].map(megabytes),
    ]);
  }
  const errors = rows.filter(({ burdenError }) => burdenError !== undefined).map((row) =>
    `${row.burden}, ${row.target}: ${row.burdenError}`
  );
  const what = "Latencies of ordinary requests beside it, from when each should have been sent.";
  return [table.toString(), what, ...errors].join("\n");
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : (bytes / 1e6).toFixed(0);
}
