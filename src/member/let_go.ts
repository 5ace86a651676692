import { messageOf } from "../base/message_of.ts";
import type { Logger } from "../io/types.ts";

/**
 * Lets go of what an opening that has failed holds. What fails at that as well is logged only: often
 * it follows from the first failure, which is the one to be told.
 */
export async function letGo(close: () => Promise<void>, logger: Logger): Promise<void> {
  try {
    await close();
  } catch (error) {
    logger.log("WARN", "cluster", `After a failed start: ${messageOf(error)}`);
  }
}
