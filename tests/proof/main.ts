import { addTotals, noTotals, readTotals, sumOf } from "./totals.ts";

const usage = `Usage: deno task totals INTO FROM…

Adds the totals in some files, which runs have written with --totals, to those in INTO.`;

const [into, ...from] = Deno.args;
if (into === undefined || from.length === 0) {
  console.error(usage);
  Deno.exit(2);
}
let added = noTotals;
for (const path of from) {
  await Deno.stat(path);
  added = sumOf(added, await readTotals(path));
}
await addTotals(into, added);
