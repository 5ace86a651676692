import { commandLine, refuse } from "../../tools/command_line.ts";
import { addTotals, noTotals, readTotals, sumOf } from "./totals.ts";

const usage = `Usage: deno task totals INTO FROM…

Adds the totals in some files, which runs have written with --totals, to those in INTO.`;

const { positionals: [into, ...from] } = commandLine(usage, { allowPositionals: true });
if (into === undefined || from.length === 0) refuse(usage, "Two files at least are to be given");
let added = noTotals;
for (const path of from) {
  await Deno.stat(path);
  added = sumOf(added, await readTotals(path));
}
await addTotals(into, added);
