/** Where the C library is, by its name on each system. */
const names: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  linux: ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`],
  darwin: ["libSystem.B.dylib"],
};

/** Opens the system's C library; undefined where it cannot be had, as on Windows. */
export function openCLibrary<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols>["symbols"] | undefined {
  for (const name of names[Deno.build.os] ?? []) {
    try {
      return Deno.dlopen(name, symbols).symbols;
    } catch {
      // By another name, or not at all.
    }
  }
  return undefined;
}
