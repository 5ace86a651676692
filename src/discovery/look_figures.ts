import { messageOf } from "../base/message_of.ts";
import type { DiscoveryFigures } from "./types.ts";

/** Remembers what the last looks came to, in rqlite's names. */
export class LookFigures {
  #addresses: readonly string[] = [];
  #contact: Date | undefined;
  #error: string | undefined;

  /** Carries a look out, and notes how it went. */
  async of(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
    try {
      this.#addresses = await look();
      this.#contact = new Date();
      this.#error = undefined;
      return this.#addresses;
    } catch (error) {
      this.#error = messageOf(error);
      throw error;
    }
  }

  get figures(): DiscoveryFigures {
    return {
      last_addresses: this.#addresses,
      last_contact: this.#contact?.toISOString(),
      last_error: this.#error,
    };
  }
}
