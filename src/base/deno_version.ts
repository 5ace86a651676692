/** Whether a version of Deno, by default the one that runs this, is `least` or a later one. */
export function isDenoFrom(least: readonly number[], version = Deno.version.deno): boolean {
  const parts = version.split(".").map(Number);
  for (const [i, wanted] of least.entries()) {
    const part = parts[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
