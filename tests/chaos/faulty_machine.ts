import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./faulty_machine.c", import.meta.url));

/** What is there to be controlled, in the order of the file that both sides look at. */
const controls = [
  ...["clockMs", "full", "writeMs", "syncMs", "syncFails", "syncsFailed", "sleptMs"],
] as const;

type Control = typeof controls[number];

/** Makes machines whose disks and clocks do as they are told, for the programs of nodes. */
export class MachineShop {
  readonly #library: string;

  private constructor(library: string) {
    this.#library = library;
  }

  /** Or why none can be made here: elsewhere than on Linux, without a C compiler. */
  static async open(directory: string): Promise<MachineShop | string> {
    if (Deno.build.os !== "linux") return "this is no Linux";
    const library = `${directory}/faulty_machine.so`;
    const args = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"];
    try {
      const { success, stderr } = await new Deno.Command("cc", { args, stdin: "null" }).output();
      return success ? new MachineShop(library) : new TextDecoder().decode(stderr);
    } catch (error) {
      return `there is no C compiler (${error})`;
    }
  }

  /** One for the node whose data lies in that directory. */
  make(directory: string): FaultyMachine {
    const path = `${directory}.machine`;
    Deno.writeFileSync(path, new Uint8Array(8 * controls.length));
    return new FaultyMachine(path, {
      LD_PRELOAD: this.#library,
      RAFTLITE_CHAOS_CONTROL: path,
      RAFTLITE_CHAOS_DISK: directory,
    });
  }
}

/** The disk and the clock of one node, through all its programs. */
export class FaultyMachine {
  readonly #path: string;
  /** What its programs are to be started with. */
  readonly environment: Readonly<Record<string, string>>;

  constructor(path: string, environment: Readonly<Record<string, string>>) {
    this.#path = path;
    this.environment = environment;
  }

  set(control: Control, value: number): void {
    using file = Deno.openSync(this.#path, { write: true });
    file.seekSync(8 * controls.indexOf(control), Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(new BigInt64Array([BigInt(value)]).buffer));
  }

  get(control: Control): number {
    const bytes = Deno.readFileSync(this.#path);
    return Number(new DataView(bytes.buffer).getBigInt64(8 * controls.indexOf(control), true));
  }

  /** All as it should be; the time as well. */
  heal(): void {
    for (const control of ["clockMs", "full", "writeMs", "syncMs", "syncFails"] as const) {
      this.set(control, 0);
    }
  }
}
