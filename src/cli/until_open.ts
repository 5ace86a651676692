import type { WaitingRoom } from "../http/waiting_room.ts";
import type { OpenMember } from "../member/member.ts";
import type { Ending } from "./ending.ts";

/** How long opening may take before somebody answers HTTP meanwhile, in ms. */
const openingMs = 500;

interface Opening {
  readonly end: Ending;
  /** It may take long: until there is a cluster to be in. */
  readonly isWaiting: boolean;
  readonly waitingRoom: () => Promise<WaitingRoom>;
}

/** The node once it is open, or why the program is to end before. */
export async function untilOpen(
  opening: Promise<OpenMember>,
  { end, isWaiting, waitingRoom }: Opening,
): Promise<OpenMember | string> {
  const either = Promise.race([opening, end.asked]);
  if (!isWaiting) return await either;
  // A failure is told once it is waited for.
  either.catch(() => {});
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), openingMs);
  const early = await Promise.race([either, late.promise]).finally(() => clearTimeout(timer));
  if (early !== undefined) return early;
  const room = await waitingRoom();
  try {
    return await either;
  } finally {
    await room.close();
  }
}
