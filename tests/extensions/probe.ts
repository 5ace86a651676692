import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./probe.c", import.meta.url));

/** The name of a library here. */
export const suffix = Deno.build.os === "darwin" ? "dylib" : "so";

/** Whether there is a C compiler to make one; tests say so in their names where there is none. */
export const hasCompiler = await compiles();

async function compiles(): Promise<boolean> {
  if (Deno.build.os === "windows") return false;
  try {
    return (await new Deno.Command("cc", { args: ["--version"], stdin: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** Compiles probe.c into `path`. */
export async function makeProbe(path: string, ...flags: readonly string[]): Promise<void> {
  const shared = Deno.build.os === "darwin" ? ["-dynamiclib"] : ["-shared"];
  const args = [...shared, "-fPIC", "-O1", ...flags, "-o", path, source];
  const { success, stderr } = await new Deno.Command("cc", { args, stdin: "null" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** For Deno.test: left out, and named so, without a compiler. */
export function withProbe(name: string): { readonly name: string; readonly ignore: boolean } {
  return { name: hasCompiler ? name : `${name} (left out: no C compiler)`, ignore: !hasCompiler };
}
