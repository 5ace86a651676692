/**
 * Measures how soon the console shows something, from localhost and with nothing kept by the
 * browser: `deno task console:paint`. A figure means something on a machine that is otherwise quiet,
 * so the load stands beside it. Needs Chromium.
 */

import { commandLine } from "../../tools/command_line.ts";
import { Cluster } from "../cluster/harness.ts";
import { openBrowser } from "./browser.ts";

const loads = 20;

/** From the click to the first text or picture, and to the nodes' own figures, in ms. */
interface Times {
  readonly paint: number;
  readonly nodes: number;
}

const painted = `new Promise((resolve) => {
  new PerformanceObserver((list, observer) => {
    const entry = list.getEntries().find(({ name }) => name === "first-contentful-paint");
    if (entry === undefined) return;
    observer.disconnect();
    resolve(entry.startTime);
  }).observe({ type: "paint", buffered: true });
})`;

commandLine(
  "Usage: deno task console:paint\n\nMeasures how soon the console shows something. Needs Chromium.",
  {},
);
await using cluster = await Cluster.start({ size: 1 });
const browser = await openBrowser();
const times: Times[] = [];
try {
  for (let load = 0; load < loads; load++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${cluster.nodes[0]?.url}/console/`);
    const paint = await page.evaluate<number>(painted);
    await page.getByText("this node", { exact: true }).waitFor();
    times.push({ paint, nodes: await page.evaluate<number>("performance.now()") });
    await context.close();
  }
} finally {
  await browser.close();
}
for (const name of ["paint", "nodes"] as const) {
  const sorted = times.map((each) => each[name]).sort((a, b) => a - b);
  const [least = 0] = sorted;
  const middle = sorted[Math.floor(loads / 2)] ?? 0;
  console.log(`${name}: at least ${Math.round(least)} ms, ${Math.round(middle)} ms in the middle`);
}
console.log(
  `${loads} loads; load of the machine ${Deno.loadavg().map((n) => n.toFixed(1)).join(" ")}`,
);
