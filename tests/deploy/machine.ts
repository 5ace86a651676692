import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../cluster/harness.ts";

const script = fileURLToPath(new URL("./machine.sh", import.meta.url));

/** What a machine cannot do without, beside Linux and root. */
const programs = ["unshare", "nsenter", "pivot_root", "/lib/systemd/systemd"];

export interface Outcome {
  readonly code: number;
  /** Standard output and, behind it, standard error. */
  readonly output: string;
}

/**
 * A machine of its own, with systemd as process 1: see machine.sh. What is done there leaves no
 * trace on this one.
 */
export class Machine implements AsyncDisposable {
  readonly #directory: string;
  readonly #cgroup: string;
  readonly #child: Deno.ChildProcess;
  /** Process 1, by its id here. */
  #init = 0;
  #said = "";

  private constructor(directory: string, cgroup: string, child: Deno.ChildProcess) {
    this.#directory = directory;
    this.#cgroup = cgroup;
    this.#child = child;
    void this.#listen();
  }

  async #listen(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#said += text;
    }
  }

  /** Why there can be none here; undefined where there can. */
  static async whyNone(): Promise<string | undefined> {
    if (Deno.build.os !== "linux") return "this is no Linux";
    if (Deno.uid() !== 0) return "only root may make one";
    for (const program of programs) {
      const { success } = await this.#here("sh", "-c", `command -v ${program}`);
      if (!success) return `there is no ${program}`;
    }
    const { success, stderr } = await this.#here(
      ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork"],
      ...["sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt"],
    );
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  }

  static #here(command = "", ...args: string[]): Promise<Deno.CommandOutput> {
    return new Deno.Command(command, { args, stdin: "null" }).output();
  }

  /** @param shown Files and folders that it is to see where their values say, read-only. */
  static async start(shown: Readonly<Record<string, string>> = {}): Promise<Machine> {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-machine-" });
    const cgroup = `raftlite-test-${crypto.randomUUID()}`;
    const paths = Object.entries(shown).map(([from, to]) => `${from}=${to}`);
    const child = new Deno.Command("bash", {
      args: [script, directory, cgroup, ...paths],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const machine = new Machine(directory, cgroup, child);
    try {
      await machine.#booted();
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw new Error(`No machine: ${machine.#said}`, { cause: error });
    }
  }

  async #booted(): Promise<void> {
    const children = `/proc/${this.#child.pid}/task/${this.#child.pid}/children`;
    await eventually(() => `the machine to run\n${this.#said}`, async () => {
      const name = async (pid: string) => (await Deno.readTextFile(`/proc/${pid}/comm`)).trim();
      for (const pid of (await Deno.readTextFile(children)).trim().split(" ")) {
        if (await name(pid) === "systemd") this.#init = Number(pid);
      }
      if (this.#init === 0) return false;
      return (await this.run("systemctl", "is-active", "multi-user.target")).code === 0;
    });
  }

  /** Runs a program there to its end. */
  async run(command: string, ...args: string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await Machine.#here(
      ...["nsenter", `--target=${this.#init}`, "--all", "--root", "--wd", command, ...args],
    );
    const [output, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, output: `${output}${complaints}` };
  }

  /** The same, with an error that says all where it fails. */
  async must(command: string, ...args: string[]): Promise<string> {
    const { code, output } = await this.run(command, ...args);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${code}: ${output}`);
    return output;
  }

  /** Writes a file there, with its folders. */
  async write(path: string, text: string): Promise<void> {
    const whole = `/proc/${this.#init}/root${path}`;
    await this.must("mkdir", "-p", dirname(path));
    await Deno.writeTextFile(whole, text);
  }

  /** What a unit is, by `systemctl show`. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must("systemctl", "show", unit, `--property=${name}`, "--value")).trim();
  }

  /** Everything there ends with its process 1, which ends with the one that started it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
    await eventually("its cgroups to be empty", async () => {
      const hierarchies = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd"];
      for (const hierarchy of hierarchies) await removeCgroups(`${hierarchy}/${this.#cgroup}`);
      return true;
    });
  }
}

/** Deno.test for tests on such machines, whose names say why they are left out where that is given. */
export function machineTests(whyNone: string | undefined) {
  return (name: string, fn: () => Promise<void>): void => {
    if (whyNone === undefined) Deno.test(name, fn);
    else Deno.test({ name: `${name} (left out: ${whyNone})`, ignore: true, fn });
  };
}

/** Removes a cgroup, those below it first; does nothing where there is none. */
async function removeCgroups(path: string): Promise<void> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory) await removeCgroups(`${path}/${name}`);
    }
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
