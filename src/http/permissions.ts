import type { Permission } from "../access/types.ts";

/** What a transaction's beginning asks, and so all that is to find the same user as it did. */
export const ofTransactions: readonly Permission[] = ["query", "execute"];
