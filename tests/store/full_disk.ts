import assert from "node:assert/strict";
import { MachineShop } from "../chaos/faulty_machine.ts";

/**
 * What a program prints, as JSON, that is told how to fill its disk, and in which directory that is,
 * before its own arguments; undefined where no disk can be made so.
 */
export async function onFullDisk(
  directory: string,
  program: string,
  ...args: string[]
): Promise<unknown> {
  const shop = await MachineShop.open(directory);
  if (typeof shop === "string") {
    console.error(`Not tested, for no disk can be made to be full here: ${shop}`);
    return undefined;
  }
  const data = `${directory}/data`;
  await Deno.mkdir(data);
  const { environment } = shop.make(data);
  const control = environment["RAFTLITE_CHAOS_CONTROL"] ?? "";
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, control, data, ...args],
    env: environment,
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
