/**
 * Makes the console's page of its sources: into src/http/console/page, or, for the test that what
 * lies there is current, into the folder that is given. The same sources and lock file give the same
 * bytes.
 */

import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const here = new URL("./", import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, here));

/** The oldest browsers that have all that the page asks for: exact numbers from JSON, above all. */
const target = ["chrome120", "firefox135", "safari18.4"];

async function main(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) {
    await Deno.remove(`${folder}/${name}`);
  }
  await build({
    entryPoints: { main: path("main.tsx") },
    absWorkingDir: path("."),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    // Lines of a size that people and their tools can look at, and git can tell apart.
    lineLimit: 2_000,
    legalComments: "none",
    target,
    jsx: "automatic",
    jsxImportSource: "preact",
    chunkNames: "shared-[hash]",
    logLevel: "warning",
  });
  for (const name of ["index.html", "favicon.svg"]) {
    await Deno.copyFile(path(name), `${folder}/${name}`);
  }
}

await main(Deno.args[0] ?? path("../src/http/console/page"));
Deno.exit(0);
