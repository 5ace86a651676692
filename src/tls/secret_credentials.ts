import { messageOf } from "../base/message_of.ts";
import { repeat } from "../io/repeat.ts";
import type { WatchedFiles } from "../io/watched_files.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { TlsCredentials } from "./credentials.ts";
import { certificateMs, credentialsOf } from "./secret_authority.ts";

/** How often it looks whether a new certificate is due, in ms: a machine may have slept, or its clock been set. */
const periodMs = 60_000;
/** When this much of its time is left, a certificate is replaced. */
const renewMs = certificateMs / 3;

export interface SecretCredentialsOptions {
  /** The secrets in force. */
  readonly secrets: Pick<WatchedFiles<readonly string[]>, "current" | "onChange">;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The certificate of a node that has a secret in place of files: made, and made again in time. */
export class SecretCredentials {
  readonly #options: SecretCredentialsOptions;
  #current: TlsCredentials;
  #making: Promise<void> = Promise.resolve();
  readonly #timer: Timer;

  private constructor(options: SecretCredentialsOptions, current: TlsCredentials) {
    this.#options = options;
    this.#current = current;
    options.secrets.onChange(() => this.#renew());
    this.#timer = repeat(options.clock, periodMs, () => {
      if (this.#isDue) this.#renew();
    });
  }

  static async open(options: SecretCredentialsOptions): Promise<SecretCredentials> {
    return new SecretCredentials(options, await make(options));
  }

  get current(): TlsCredentials {
    return this.#current;
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** Also where it was made by a clock that was ahead: others take it for one that is not good yet. */
  get #isDue(): boolean {
    const leftMs = this.#current.notAfter - this.#options.clock.wallTime();
    return leftMs < renewMs || leftMs > certificateMs;
  }

  /** One after the other, so that the newest secrets win. */
  #renew(): void {
    const { clock, logger } = this.#options;
    this.#making = this.#making.then(async () => {
      try {
        this.#current = await make(this.#options);
        const end = new Date(this.#current.notAfter).toISOString();
        logger.log("INFO", "cli", `Made a certificate for the other nodes, until ${end}`);
      } catch (error) {
        const left = Math.floor((this.#current.notAfter - clock.wallTime()) / 86_400_000);
        const reason = messageOf(error);
        logger.log(
          "ERROR",
          "cli",
          `No new certificate for the other nodes, the old one has ${left} days left: ${reason}`,
        );
      }
    });
  }
}

function make({ secrets, nodeId, clock }: SecretCredentialsOptions): Promise<TlsCredentials> {
  return credentialsOf(secrets.current, nodeId, clock.wallTime());
}
