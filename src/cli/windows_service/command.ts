import { isAbsolute } from "node:path";
import { messageOf } from "../../base/message_of.ts";
import { formatLogLine } from "../../io/stderr_logger.ts";
import type { LogLevel } from "../../io/types.ts";
import { wantsPage } from "../command_options.ts";
import { FlagError } from "../flag_error.ts";
import type { Configuration } from "../flags.ts";
import { print } from "../output.ts";
import type { ServiceHost, ServiceRequests } from "../service_host.ts";
import { ControlManager, type ServiceControl } from "./control_manager.ts";
import { LogFile } from "./log_file.ts";

const name = "raftlite";

const help = `Usage: raftlite windows-service LOG_FILE [flags] DATA_DIR

Runs a node as a service of Windows: its service control manager starts this, and hears when the node
answers, has stopped or has failed. Not for a terminal. The log goes to LOG_FILE, and what is older
than its last 16 MiB to LOG_FILE.1. A service starts in Windows' own directory: all paths are whole.

As an administrator, with the flags in a file (one a line, as \`node-id = 1\`):
  md C:\\ProgramData\\raftlite
  sc.exe create raftlite start= delayed-auto obj= "NT SERVICE\\raftlite" binPath= "\\"C:\\Program Files\\raftlite\\raftlite.exe\\" windows-service C:\\ProgramData\\raftlite\\node.log -config C:\\ProgramData\\raftlite\\raftlite.conf C:\\ProgramData\\raftlite\\data"
  sc.exe failure raftlite reset= 86400 actions= restart/5000/restart/5000/restart/60000
  sc.exe failureflag raftlite 1
  icacls C:\\ProgramData\\raftlite /inheritance:r /grant "NT SERVICE\\raftlite:(OI)(CI)F" Administrators:(OI)(CI)F
  sc.exe start raftlite
\`sc.exe stop raftlite\` stops it in good order, \`sc.exe control raftlite paramchange\` has it look at
certificates and users again.
`;

/** What the service's manager asks, kept until there is somebody to be asked. */
class Host implements ServiceHost {
  readonly #log: LogFile;
  readonly #asked: ServiceControl[] = [];
  #requests: ServiceRequests | undefined;
  manager: ControlManager | undefined;

  constructor(log: LogFile) {
    this.#log = log;
  }

  readonly log = (bytes: Uint8Array) => this.#log.write(bytes);

  onRequests(requests: ServiceRequests): void {
    this.#requests = requests;
    for (const control of this.#asked.splice(0)) this.control(control);
  }

  control(control: ServiceControl): void {
    if (this.#requests === undefined) this.#asked.push(control);
    else if (control === "reload") this.#requests.reload();
    else this.#requests.stop(`${control} by Windows' service manager`);
  }

  ready(): void {
    this.manager?.running();
  }

  stopping(): void {
    this.manager?.stopping();
  }
}

/** The sub-command that Windows' service control manager starts. */
export async function windowsService(args: readonly string[]): Promise<number> {
  if (wantsPage(args)) {
    print(help);
    return 0;
  }
  const [path = "", ...rest] = args;
  if (!isAbsolute(path)) {
    throw new FlagError(
      2,
      `windows-service needs the whole path of its log first, not ${path || "nothing"}`,
    );
  }
  if (Deno.build.os !== "windows") {
    throw new FlagError(1, "This is no Windows: raftlite systemd-unit is for Linux");
  }
  const log = await LogFile.open(path);
  const host = new Host(log);
  host.manager = await ControlManager.connect(name, (control) => host.control(control));
  if (host.manager === undefined) {
    throw new FlagError(1, `Windows' service manager has not started this: sc.exe start ${name}`);
  }
  const code = await run(host, rest);
  host.manager.stopped(code);
  return code;
}

/** Resolves with the exit code; what is wrong is in the log. */
async function run(host: Host, args: readonly string[]): Promise<number> {
  const tell = (level: LogLevel, message: string) => {
    const line = formatLogLine({ wallTime: Date.now(), level, room: "cli", message });
    return host.log(new TextEncoder().encode(line)).catch(() => {});
  };
  try {
    // Only now: the manager waits half a minute for a program to report, and this takes its time.
    const { configuration, warnings } = await configured(args);
    const { serve } = await import("../serve.ts");
    return await serve(configuration, warnings, { host });
  } catch (error) {
    await tell("ERROR", `fatal: ${messageOf(error)}`);
    return error instanceof FlagError ? error.exitCode : 1;
  }
}

async function configured(
  args: readonly string[],
): Promise<{ readonly configuration: Configuration; readonly warnings: readonly string[] }> {
  const { parseFlags } = await import("../flags.ts");
  const invocation = parseFlags(args, Deno.env.toObject());
  if (invocation.type !== "serve") {
    throw new FlagError(2, `A service cannot show -${invocation.type}`);
  }
  const { dataDirectory } = invocation.configuration;
  if (!isAbsolute(dataDirectory)) {
    throw new FlagError(
      2,
      `A service needs the whole path of its data directory, not ${dataDirectory}`,
    );
  }
  return invocation;
}
