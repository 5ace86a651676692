import { messageOf } from "../base/message_of.ts";
import type { Logger } from "../io/types.ts";
import type { TlsCredentials } from "../tls/credentials.ts";

/** Other threads that accept connections on the same port. */
export interface OtherListeners {
  /** How many there are; resolves when all of them listen. */
  listening(): Promise<number>;
  /**
   * Has each show these to new connections: Deno's servers by another listener beside the one they
   * have. Resolves with why some cannot.
   */
  renew(shown: TlsCredentials): Promise<readonly string[]>;
  /** Has each accept from its newest listener only. */
  closeOlder(): void;
}

/** Has new certificates shown, one after the other. */
export class CertificateExchange {
  readonly #exchange: (next: TlsCredentials) => Promise<void>;
  readonly #logger: Logger;
  #last = Promise.resolve();

  /** @param exchange Resolves when it is shown to all new connections; rejects with why it is not. */
  constructor(exchange: (next: TlsCredentials) => Promise<void>, logger: Logger) {
    this.#exchange = exchange;
    this.#logger = logger;
  }

  use(next: TlsCredentials): void {
    this.#last = this.#last.then(() => this.#exchange(next)).catch((error) => {
      const text = `The new certificate is not in force: ${messageOf(error)}`;
      this.#logger.log("ERROR", "http", text);
    });
  }
}

/** Throws for the failures of some of the other threads. */
export function requireAll(failures: readonly string[]): void {
  if (failures.length > 0) throw new Error(`at other threads: ${failures.join("; ")}`);
}
