/** What a process holds in memory, in MiB; 0 where the system does not tell, or when it has ended. */
export async function residentMiB(pid: number): Promise<number> {
  if (Deno.build.os !== "linux") return 0;
  let status: string;
  try {
    status = await Deno.readTextFile(`/proc/${pid}/status`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
  // A process that has ended and is not yet taken leave of has none.
  return Number(/VmRSS:\s*(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
