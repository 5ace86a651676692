/**
 * Puts the program's modules, and what they use of packages, into few files, for `deno compile`. What
 * that puts into the program it holds in memory as long as the program runs; given the sources it
 * takes them twice, with source maps, and all files of all packages that deno.json names, tests' too:
 * 65 MB in place of 6.
 */

import { build, type BuildResult, type Plugin } from "esbuild";
import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };
import { packageLicenses } from "../src/cli/license_text.ts";
import { licenseTexts } from "./license_texts.ts";

/** What goes into the program, each with its absolute path below `root`. */
export interface ProgramParts {
  readonly root: string;
  /** Modules that are started by their address. */
  readonly workers: readonly string[];
  /** Files and folders that are read by their address. */
  readonly files: readonly string[];
}

/** The program in a folder of its own. */
export interface Bundle {
  /** The module that it begins with. */
  readonly main: string;
  readonly config: string;
  /** What no import names. */
  readonly included: readonly string[];
}

/** The packages are not to be had. */
export class InstallError extends Error {
  constructor(output: string) {
    // What Deno says first, without colours, of an error whose causes are in as many lines.
    const [, reason = output.trim()] = /error.{0,8}: (.+)/.exec(output) ?? [];
    super(
      `The packages of deno.lock can't be installed: ${reason}. Try again where npm's registry, or ` +
        "the one that NPM_CONFIG_REGISTRY names, can be reached, and $TMPDIR has 200 MB of room",
    );
  }
}

/** Makes the bundle in `folder`, which is empty, with deno's own copy of the packages in `packages`. */
export async function bundleProgram(
  { root, workers, files }: ProgramParts,
  { folder, packages, signal }: { folder: string; packages: string; signal?: AbortSignal },
): Promise<Bundle> {
  await installPackages(root, packages, signal);
  signal?.throwIfAborted();
  const place = (path: string) => `${folder}/${relative(root, path)}`;
  const bundled = await build({
    entryPoints: Object.fromEntries(
      [`${root}main.ts`, ...workers].map((path) => [basename(path, ".ts"), path]),
    ),
    outdir: folder,
    // Names of files in what is made begin here, so that they are the same each time.
    absWorkingDir: packages,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    // As Deno reads packages.
    conditions: ["deno", "node"],
    mainFields: ["main"],
    nodePaths: [`${packages}/node_modules`],
    alias: { "@raftlite/client": `${root}client/src/mod.ts` },
    target: "esnext",
    // Names stay, and lines short, so that a stack trace says something.
    minifyWhitespace: true,
    lineLimit: 100,
    legalComments: "none",
    plugins: [builtinsByImport, packagesByRequire, ownAddresses(root)],
    metafile: true,
    write: true,
    logLevel: "warning",
  });
  checkWhole(bundled);
  const licenses = fileURLToPath(packageLicenses);
  const inputs = Object.keys(bundled.metafile.inputs).map((path) => `${packages}/${path}`);
  await mkdir(dirname(place(licenses)), { recursive: true });
  await writeFile(place(licenses), await licenseTexts(inputs));
  for (const path of workers) await writeStub(place(path), folder);
  for (const path of files) {
    await mkdir(dirname(place(path)), { recursive: true });
    const { isDirectory } = await Deno.stat(path);
    await (isDirectory ? cp(path, place(path), { recursive: true }) : copyFile(path, place(path)));
  }
  const config = `${folder}/deno.json`;
  await writeFile(config, JSON.stringify({ nodeModulesDir: "none", unstable: project.unstable }));
  return {
    main: `${folder}/main.js`,
    config,
    included: [...workers, ...files, licenses].map(place),
  };
}

/** In the versions of the lock file, and in folders where esbuild finds them. */
async function installPackages(
  root: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const imports = Object.entries(project.imports).filter(([, to]) => to.startsWith("npm:"));
  const config = { nodeModulesDir: "auto", imports: Object.fromEntries(imports) };
  await writeFile(`${folder}/deno.json`, JSON.stringify(config));
  await copyFile(`${root}deno.lock`, `${folder}/deno.lock`);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet"],
    cwd: folder,
    ...(signal && { signal }),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new InstallError(new TextDecoder().decode(stderr));
}

/** CommonJS gets what belongs to Deno by an import, as there is no `require` in an ES module. */
const builtinsByImport: Plugin = {
  name: "builtins by import",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^/ }, ({ path, kind, namespace }) => {
      if (!isBuiltin(path)) return undefined;
      if (namespace === "required") return { path, namespace: "imported" };
      const name = path.replace(/^(node:)?/, "node:");
      return kind === "require-call"
        ? { path: name, namespace: "required" }
        : { path: name, external: true };
    });
    onLoad({ filter: /^/, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require("${path}").all;`,
    }));
    onLoad({ filter: /^/, namespace: "imported" }, ({ path }) => ({
      contents: `export { default as all } from "${path}";`,
    }));
  },
};

/** ES modules that Rolldown has made require by a function of its own, which esbuild cannot know. */
const packagesByRequire: Plugin = {
  name: "packages by require",
  setup({ onLoad }) {
    onLoad({ filter: /\.mjs$/ }, async ({ path }) => {
      const text = await Deno.readTextFile(path);
      if (!text.includes("/_rolldown/runtime.mjs")) return undefined;
      return { contents: text.replaceAll(/\b__require\(/g, "require("), loader: "js" };
    });
  },
};

/** A module's address is still that of its source, though it is in another file: others are named by it. */
function ownAddresses(root: string): Plugin {
  return {
    name: "own addresses",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await Deno.readTextFile(path);
        const address = `new URL(${JSON.stringify(relative(root, path))}, import.meta.url).href`;
        return { contents: text.replaceAll("import.meta.url", address), loader: "ts" };
      });
    },
  };
}

/** Throws where the program would look for a package while it runs, which is not there then. */
function checkWhole({ metafile }: BuildResult<{ metafile: true }>): void {
  for (const [file, { imports }] of Object.entries(metafile.outputs)) {
    for (const { path, external, kind } of imports) {
      const isThere = external !== true || (isBuiltin(path) && kind !== "require-call");
      if (!isThere) throw new Error(`${file} of the bundle needs ${path}, which is not in it`);
    }
  }
}

/** A Worker's module, at the address where the sources name it. */
async function writeStub(path: string, folder: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const up = relative(dirname(path), folder);
  await writeFile(path, `import "${up}/${basename(path, ".ts")}.js";\n`);
}
