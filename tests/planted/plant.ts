import type { Fault } from "./faults.ts";

/** The text of the fault's file with the fault in it. Throws an Error where there is no place for it. */
export function plant(text: string, { name, file, from, to }: Fault): string {
  const parts = text.split(from);
  if (parts.length !== 2) {
    throw new Error(
      `${name}: what it changes stands ${parts.length - 1} times in ${file}, not once`,
    );
  }
  return parts.join(to);
}
