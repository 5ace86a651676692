import assert from "node:assert/strict";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Bundle, bundleProgram } from "../../tools/bundle.ts";
import { workerModules } from "../../tools/compile.ts";
import { withDirectory } from "../directory.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Several times what it is, and a fraction of the packages that it is made of. */
const bundleBytesMax = 20_000_000;

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`);
}

/** Runs a module of the bundle, which has nothing but what is in it. */
async function run({ config }: Bundle, module: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-npm", "--no-remote", "--config", config, module, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test("bundleProgram leaves nothing to be looked for in packages, and Workers where sources name them", () =>
  withDirectory(async (work) => {
    const [folder, packages] = [`${work}/program`, `${work}/packages`];
    await Promise.all([mkdir(folder), mkdir(packages)]);
    const workers = await workerModules();
    const page = `${root}src/http/console/page`;
    const bundle = await bundleProgram({ root, workers, files: [page] }, { folder, packages });
    await rm(packages, { recursive: true });

    assert.match(await run(bundle, bundle.main, "-version"), /^raftlite \d+\.\d+\.\d+ /);
    for (const path of workers) {
      const stub = `${folder}/${relative(root, path)}`;
      const [, module = ""] = /^import "(.+)";\n$/.exec(await Deno.readTextFile(stub)) ?? [];
      assert.ok((await stat(resolve(dirname(stub), module))).isFile(), stub);
    }
    assert.ok((await stat(`${folder}/src/http/console/page/index.html`)).isFile());

    // What packages ask to be passed on with their code, each text once.
    const licenses = await Deno.readTextFile(`${folder}/src/cli/package_licenses.txt`);
    assert.match(licenses, /^hono \d.*:\n\nMIT License\n\nCopyright \(c\) /m);
    assert.match(licenses, /^prom-client \d.*:\n\nApache License/m);
    assert.ok(!licenses.includes("playwright"));

    // Nothing of the folder that it was made in, which has another name each time.
    const files = await filesIn(folder);
    for (const path of files) {
      assert.ok(!(await Deno.readTextFile(path)).includes(basename(work)), path);
    }

    const modules = files.filter((path) =>
      dirname(path) === folder && /(?<!_worker|\/main)\.js$/.test(path)
    );
    assert.ok(modules.length > workers.length);
    const everything = `${folder}/everything.js`;
    const imports = modules.map((path) => `import ${JSON.stringify(pathToFileURL(path).href)};\n`);
    await Deno.writeTextFile(everything, `${imports.join("")}console.log("all there");\n`);
    assert.equal(await run(bundle, everything), "all there\n");

    const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(bytes <= bundleBytesMax, `the bundle has ${bytes} bytes`);
  }));
