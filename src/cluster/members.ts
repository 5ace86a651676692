import { type Configuration, type Member, nodeName } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";

/** The member that an operator gave that name; undefined where there is none. */
export function memberNamed({ members }: Configuration, name: string): Member | undefined {
  return members.find(({ id }) => nodeName(id) === name);
}

/** Where a member is reached: where it says it is, or else where it was when it became one. */
export function presentAddress(
  transport: Pick<Transport, "addressOf">,
  { id, address }: Pick<Member, "id" | "address">,
): string {
  return transport.addressOf(id) ?? address;
}
