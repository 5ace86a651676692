/**
 * Windows' service control manager, by its own functions (advapi32.dll): it starts the program, waits
 * to be told how it is, and tells it when to stop.
 *
 * https://learn.microsoft.com/windows/win32/services/service-control-handler-function
 */

const symbols = {
  // In a thread of its own, in which it stays until the service has stopped.
  StartServiceCtrlDispatcherW: { parameters: ["buffer"], result: "i32", nonblocking: true },
  RegisterServiceCtrlHandlerExW: {
    parameters: ["buffer", "function", "pointer"],
    result: "pointer",
  },
  SetServiceStatus: { parameters: ["pointer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const serviceMain = { parameters: ["u32", "pointer"], result: "void" } as const;
const controlHandler = {
  parameters: ["u32", "u32", "pointer", "pointer"],
  result: "u32",
} as const;

/** SERVICE_WIN32_OWN_PROCESS. */
const ownProcess = 0x10;

/** dwCurrentState of SERVICE_STATUS. */
const states = { stopped: 1, starting: 2, stopping: 3, running: 4 } as const;
type State = keyof typeof states;

/** SERVICE_CONTROL_STOP, …_INTERROGATE, …_PARAMCHANGE, …_PRESHUTDOWN. */
const controls = { stop: 1, interrogate: 4, paramChange: 6, preshutdown: 0xf } as const;

/** SERVICE_ACCEPT_STOP, …_PARAMCHANGE, …_PRESHUTDOWN: more time than at the shutdown itself. */
const accepted = 0x1 | 0x8 | 0x100;

/** NO_ERROR, ERROR_CALL_NOT_IMPLEMENTED, ERROR_SERVICE_SPECIFIC_ERROR. */
const errors = { none: 0, notImplemented: 120, serviceSpecific: 1066 } as const;

/** By when the manager is to hear again of a start or a stop that goes on, in ms. */
const waitHintMs = 10_000;
/** How often it does, in ms. */
const checkpointMs = 2_000;

/** What the manager asks for. */
export type ServiceControl = "stop" | "shutdown" | "reload";

/** A string as Windows takes it: UTF-16 with a zero behind it. */
function wide(text: string): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(`${text}\0`, (character) => character.charCodeAt(0));
}

/** This program as a service that the control manager has started. */
export class ControlManager {
  readonly #calls: Deno.DynamicLibrary<typeof symbols>["symbols"];
  /** What C keeps pointers to, until the process ends. */
  readonly #kept: unknown[] = [];
  readonly #onControl: (control: ServiceControl) => void;
  #handle: Deno.PointerValue = null;
  #state: State = "starting";
  #checkpoint = 0;
  #signs: ReturnType<typeof setInterval> | undefined;

  private constructor(onControl: (control: ServiceControl) => void) {
    this.#calls = Deno.dlopen("advapi32.dll", symbols).symbols;
    this.#onControl = onControl;
  }

  /** Resolves once the manager has started the service; undefined where it has not started this program. */
  static async connect(
    name: string,
    onControl: (control: ServiceControl) => void,
  ): Promise<ControlManager | undefined> {
    const manager = new ControlManager(onControl);
    return await manager.#started(name) ? manager : undefined;
  }

  async #started(name: string): Promise<boolean> {
    const started = Promise.withResolvers<boolean>();
    // Both are called in threads of the manager's, and are carried out in this one.
    const handler = Deno.UnsafeCallback.threadSafe(controlHandler, (code) => this.#control(code));
    const text = wide(name);
    const main = Deno.UnsafeCallback.threadSafe(serviceMain, () => {
      const { RegisterServiceCtrlHandlerExW } = this.#calls;
      this.#handle = RegisterServiceCtrlHandlerExW(text, handler.pointer, null);
      this.#signs = setInterval(() => this.#isPending && this.#tell(), checkpointMs);
      this.#tell();
      started.resolve(this.#handle !== null);
    });
    // Two of SERVICE_TABLE_ENTRYW: the service, and the end.
    const table = new BigUint64Array(4);
    table[0] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(text));
    table[1] = Deno.UnsafePointer.value(main.pointer);
    this.#kept.push(handler, main, text, table);
    this.#calls.StartServiceCtrlDispatcherW(table).then(() => started.resolve(false));
    return await started.promise;
  }

  running(): void {
    this.#become("running");
  }

  stopping(): void {
    this.#become("stopping");
  }

  /** The manager ends the process soon after; a code other than 0 is a failure. */
  stopped(exitCode: number): void {
    this.#become("stopped", exitCode);
  }

  #become(state: State, exitCode = 0): void {
    // What has begun to stop does not run again, and what the manager knows needs no new count.
    if (state === this.#state || (state === "running" && this.#state !== "starting")) return;
    this.#state = state;
    this.#checkpoint = 0;
    if (state === "stopped") clearInterval(this.#signs);
    this.#tell(exitCode);
  }

  get #isPending(): boolean {
    return this.#state === "starting" || this.#state === "stopping";
  }

  #tell(exitCode = 0): void {
    const isPending = this.#isPending;
    if (isPending) this.#checkpoint++;
    const status = new Uint32Array([
      ownProcess,
      states[this.#state],
      this.#state === "stopped" ? 0 : accepted,
      exitCode === 0 ? errors.none : errors.serviceSpecific,
      exitCode,
      isPending ? this.#checkpoint : 0,
      isPending ? waitHintMs : 0,
    ]);
    this.#calls.SetServiceStatus(this.#handle, status);
  }

  #control(code: number): number {
    switch (code) {
      case controls.stop:
      case controls.preshutdown:
        this.stopping();
        this.#onControl(code === controls.stop ? "stop" : "shutdown");
        return errors.none;
      case controls.paramChange:
        this.#onControl("reload");
        return errors.none;
      case controls.interrogate:
        return errors.none;
      default:
        return errors.notImplemented;
    }
  }
}
