import type { ForeignDeno } from "../cluster/harness.ts";
import { rooms, runRoom } from "./rooms.ts";

type SystemTest = readonly [name: string, run: (deno: ForeignDeno) => Promise<void>];

/**
 * What is tested on another system: under a Deno for it, or left out for a reason. Each room by
 * itself, so that `--filter` has one run alone: all of them take hours under an emulator.
 */
export function testOn(
  deno: ForeignDeno | string,
  system: string,
  others: readonly SystemTest[],
): void {
  const ofRooms = rooms.map((room): SystemTest => [
    `tests/${room} holds on ${system}`,
    (on) => runRoom(room, on),
  ]);
  for (const [name, run] of [...ofRooms, ...others]) {
    if (typeof deno !== "string") Deno.test(name, () => run(deno));
    else Deno.test({ name: `${name} (left out: ${deno})`, ignore: true, fn: () => {} });
  }
}
