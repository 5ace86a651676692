import { hostOf } from "../io/address.ts";
import type { Clock, Logger, LogLevel } from "../io/types.ts";

const windowMs = 10_000;
const linesPerWindow = 5;
const remotesMax = 256;

interface Window {
  startedAt: number;
  lines: number;
  suppressed: number;
}

/** Logs what remote ends do wrong, a few lines per remote host and 10 s: nobody can fill the log. */
export class LogLimiter {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  log(level: LogLevel, remoteAddress: string, message: string): void {
    const window = this.#window(hostOf(remoteAddress));
    if (window.lines === linesPerWindow) {
      window.suppressed += 1;
      return;
    }
    window.lines += 1;
    const rest = window.suppressed > 0 ? ` (and ${window.suppressed} lines left out)` : "";
    window.suppressed = 0;
    this.#logger.log(level, "transport", message + rest);
  }

  #window(host: string): Window {
    const now = this.#clock.now();
    let window = this.#windows.get(host);
    if (window === undefined) {
      if (this.#windows.size === remotesMax) {
        const [oldest] = this.#windows.keys();
        if (oldest !== undefined) this.#windows.delete(oldest);
      }
      window = { startedAt: now, lines: 0, suppressed: 0 };
      this.#windows.set(host, window);
    } else if (now - window.startedAt >= windowMs) {
      window.startedAt = now;
      window.lines = 0;
    }
    return window;
  }
}
