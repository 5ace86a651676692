/**
 * Makes the console's page of its sources: into src/http/console/page, or, for the test that what
 * lies there is current, into the folder that is given. The same sources and lock file give the same
 * bytes.
 */

import { build, type BuildOptions } from "esbuild";
import { fileURLToPath } from "node:url";
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import { commandLine } from "../tools/command_line.ts";
import { licenseTexts } from "../tools/license_texts.ts";
import { Still } from "./still.tsx";

const here = new URL("./", import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, here));

/** The oldest browsers that have all that the page asks for: exact numbers from JSON, above all. */
const target = ["chrome120", "firefox135", "safari18.4"];

const options: BuildOptions = {
  absWorkingDir: path("."),
  bundle: true,
  minify: true,
  // Lines of a size that people and their tools can look at, and git can tell apart.
  lineLimit: 2_000,
  legalComments: "none",
  target,
  logLevel: "warning",
};

async function main(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) {
    await Deno.remove(`${folder}/${name}`);
  }
  const page = await build({
    ...options,
    entryPoints: { main: path("main.tsx") },
    outdir: folder,
    splitting: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    chunkNames: "shared-[hash]",
    metafile: true,
  });
  await build({
    ...options,
    entryPoints: { begin: path("begin.ts") },
    outdir: folder,
    format: "iife",
  });
  const inputs = Object.keys(page.metafile.inputs).map(path);
  await Deno.writeTextFile(`${folder}/licenses.txt`, await licenseTexts(inputs));
  await Deno.copyFile(path("favicon.svg"), `${folder}/favicon.svg`);
  await Deno.writeTextFile(`${folder}/index.html`, await html(true));
  await Deno.writeTextFile(`${folder}/index-users.html`, await html(false));
}

/** The page with what is drawn at once: of a node that is open to all, or of one with users. */
async function html(isOpen: boolean): Promise<string> {
  const still = renderToString(h(Still, { isOpen }));
  const empty = await Deno.readTextFile(path("index.html"));
  const place = '<div id="app"></div>';
  if (!empty.includes(place)) throw new Error(`index.html lacks ${place}`);
  return empty.replace(place, () => `<div id="app"${isOpen ? " data-open" : ""}>${still}</div>`);
}

const usage = `Usage: deno task console [FOLDER]

Builds the console's page of its sources, into FOLDER (src/http/console/page).`;

const { positionals: [folder] } = commandLine(usage, { allowPositionals: true });
await main(folder ?? path("../src/http/console/page"));
Deno.exit(0);
