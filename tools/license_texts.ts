/**
 * The licences of the packages that a bundle has something of. Nearly all ask that whoever passes
 * their code on passes their text on with it; what esbuild makes has neither that nor their files.
 */

import { readdir, readFile } from "node:fs/promises";

/** As packages call it, and what belongs to it. */
const isLicense = /^(licen[sc]e|notice|copying|copyright)[^/]*$/i;

/** The folder of the package that a file is of; undefined for a file that is of none. */
const packageOf = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** Each text once, under the names of all packages that have it; the same for the same packages. */
export async function licenseTexts(paths: Iterable<string>): Promise<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    const [folder] = packageOf.exec(path) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const namesOf = new Map<string, Set<string>>();
  for (const folder of folders) {
    const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    const text = await textOf(folder);
    if (text === "") throw new Error(`${name} ${version} has no file with its licence`);
    const names = namesOf.get(text) ?? new Set();
    namesOf.set(text, names.add(`${name} ${version}`));
  }
  return Array.from(
    namesOf,
    ([text, names]) => `${Array.from(names).sort().join(", ")}:\n\n${text}`,
  )
    .sort().join(`\n${"-".repeat(80)}\n\n`);
}

async function textOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => isLicense.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return texts.map((text) => `${text.replaceAll("\r\n", "\n").trim()}\n`).join("\n");
}
