/** The descriptors that this process has open. Not for Windows. */
export function openDescriptors(): number[] {
  return Array.from(Deno.readDirSync("/dev/fd"), ({ name }) => Number(name));
}
