import { messageOf } from "../base/message_of.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import { within } from "../io/within.ts";
import { nodeName, type Status } from "../raft/types.ts";
import type { Variables } from "./environment_flags.ts";
import type { ServiceHost } from "./service_host.ts";
import { NotifySocket } from "./notify_socket.ts";

/** How long the last messages may take, in ms. */
const flushMs = 1_000;

/** Of the time that the watchdog leaves: one sign of life may be late, and another lost. */
const signsEach = 3;

/** What tells how long the log's oldest write has waited for the disk; a node does. */
interface DiskUser {
  readonly diskWaitMs: number;
}

interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told the same of the start and the stop. */
  readonly host?: Pick<ServiceHost, "ready" | "stopping"> | undefined;
}

/**
 * Whoever started this program and asked to be told how it is, by sd_notify(3): systemd with
 * Type=notify; and a host, such as Windows' manager. Where nobody asked, nothing is told. What cannot
 * be told does not end a node: it is a line in the log, and systemd ends a service that says nothing
 * of itself.
 */
export class ServiceManager {
  readonly #parts: Parts;
  readonly #socket: NotifySocket | undefined;
  /** Between two signs of life, in ms; undefined when none are asked for. */
  readonly #intervalMs: number | undefined;
  #signs: Timer | undefined;
  #disk: DiskUser | undefined;
  #isReady = false;
  #reloads = 0;
  #status = "";
  #saysNothing = false;
  #hasFailed = false;

  private constructor(parts: Parts, socket: NotifySocket | undefined, watchdogMs = 0) {
    this.#parts = parts;
    this.#socket = socket;
    this.#intervalMs = watchdogMs > 0 ? watchdogMs / signsEach : undefined;
  }

  /** As the environment says: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
  static open(variables: Variables, parts: Parts): ServiceManager {
    const { NOTIFY_SOCKET: name, WATCHDOG_USEC: time = "", WATCHDOG_PID: pid } = variables;
    if (!name) return new ServiceManager(parts, undefined);
    const isWatched = !pid || Number(pid) === Deno.pid;
    try {
      const socket = NotifySocket.open(name);
      return new ServiceManager(parts, socket, isWatched ? Number(time) / 1_000 : 0);
    } catch (error) {
      parts.logger.log("WARN", "cli", `The service manager is told nothing: ${messageOf(error)}`);
      return new ServiceManager(parts, undefined);
    }
  }

  /** What `systemctl status` shows. */
  status(text: string): void {
    // A line break would begin another variable of the message.
    const line = text.replace(/\p{Cc}/gu, " ");
    if (line === this.#status) return;
    this.#status = line;
    this.#send(`STATUS=${line}`);
  }

  /** The same of a node in its cluster. */
  raftStatus({ role, leader }: Status): void {
    this.status(
      role === "leader"
        ? "Leads the cluster"
        : leader === ""
        ? "No leader is known"
        : `Follows node ${nodeName(leader)}`,
    );
  }

  /** The node answers HTTP: what is to be started after it may start. Signs of life begin. */
  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#send("READY=1");
    const { clock, host } = this.#parts;
    host?.ready();
    if (this.#intervalMs === undefined || this.#socket === undefined) return;
    this.#signs = repeat(clock, this.#intervalMs, () => this.#showLife());
  }

  /** From now on a sign of life also says that the disk gets on with what waits for it. */
  watchDisk(disk: DiskUser): void {
    this.#disk = disk;
  }

  /** Reads files again, and says so from the begin to the end of it. */
  async reload(read: () => Promise<void>): Promise<void> {
    // Before the node is ready, READY=1 behind it would be a lie.
    const told = this.#isReady && this.#socket !== undefined;
    this.#reloads++;
    if (told) {
      this.#send(`RELOADING=1\nMONOTONIC_USEC=${this.#socket?.monotonicMicroseconds()}`);
    }
    try {
      await read();
    } finally {
      this.#reloads--;
      if (told && this.#reloads === 0) this.#send("READY=1");
    }
  }

  stopping(): void {
    this.#parts.host?.stopping();
    this.#send("STOPPING=1");
  }

  /** No more signs of life; resolves once the last messages are sent, or after a moment. */
  async end(): Promise<void> {
    this.#signs?.cancel();
    if (this.#socket === undefined) return;
    await within(this.#parts.clock, flushMs, this.#socket.idle());
  }

  #showLife(): void {
    const waitMs = this.#disk?.diskWaitMs ?? 0;
    const isStuck = waitMs > (this.#intervalMs ?? Infinity);
    if (isStuck !== this.#saysNothing) {
      this.#saysNothing = isStuck;
      this.#parts.logger.log("WARN", "cli", isStuck ? stuckText(waitMs) : "The disk answers again");
    }
    if (!isStuck) this.#send("WATCHDOG=1");
  }

  #send(message: string): void {
    this.#socket?.send(message).then(() => this.#hasFailed = false, (error) => {
      if (!this.#hasFailed) {
        const what = `The service manager was not told ${message.split("\n")[0]}`;
        this.#parts.logger.log("WARN", "cli", `${what}: ${messageOf(error)}`);
      }
      this.#hasFailed = true;
    });
  }
}

function stuckText(waitMs: number): string {
  const seconds = Math.round(waitMs / 1_000);
  return `The disk has not answered for ${seconds} s: the service manager gets no sign of life until it does, and may start this node anew`;
}
