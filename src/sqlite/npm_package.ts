import { runProgram } from "./program.ts";

const fetchTimeoutMs = 120_000;

/**
 * The path of a file of an npm package, in Deno's cache of packages, to which it is fetched if it is
 * not there. None of the package's code runs, nor does it become one of the program's dependencies.
 */
export async function packageFile(name: string, version: string, file: string): Promise<string> {
  const deno = Deno.execPath();
  // No config: the package is no dependency of the program. Install scripts don't run unless allowed.
  const independent = ["--no-config", "--no-lock", "--node-modules-dir=none"];
  const specifier = `npm:${name}@${version}`;
  await runProgram(deno, ["cache", "--quiet", ...independent, specifier], fetchTimeoutMs);
  const { npmCache } = JSON.parse(await runProgram(deno, ["info", "--json"], fetchTimeoutMs));
  for await (const registry of Deno.readDir(npmCache)) {
    const path = `${npmCache}/${registry.name}/${name}/${version}/${file}`;
    if (await isFile(path)) return path;
  }
  throw new Error(`Package ${specifier} has no ${file} in ${npmCache}`);
}

/** Whether a file is there. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    // A part of the path may be a file.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}
