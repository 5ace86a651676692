import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./failing_disk.c", import.meta.url));

/** A disk that fails when a test wants it to, for programs started with its environment. */
export class FailingDisk implements AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.environment = {
      LD_PRELOAD: `${directory}/failing_disk.so`,
      RAFTLITE_TEST_DISK: directory,
    };
  }

  /** Undefined, with the reason printed, where none can be made: elsewhere than on Linux, without a C compiler. */
  static async make(): Promise<FailingDisk | undefined> {
    if (Deno.build.os !== "linux") return FailingDisk.#without("this is no Linux");
    const directory = await Deno.makeTempDir({ prefix: "raftlite-disk-" });
    const disk = new FailingDisk(directory);
    const args = ["-shared", "-fPIC", "-O1", "-o", `${directory}/failing_disk.so`, source, "-ldl"];
    try {
      const { success, stderr } = await new Deno.Command("cc", { args, stdin: "null" }).output();
      if (success) return disk;
      throw new Error(new TextDecoder().decode(stderr));
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      return FailingDisk.#without(String(error));
    }
  }

  static #without(reason: string): undefined {
    console.error(`Not tested, for no disk can be made to fail here: ${reason}`);
    return undefined;
  }

  /** The next sync of a file whose path ends so fails, and only that one. */
  async failNextSync(end: string): Promise<void> {
    await this.#control("sync-fails", end);
  }

  /** Each read and write of a file whose path ends so takes that long; undefined: no longer than ever. */
  async slowDown(ms: number | undefined, end: string): Promise<void> {
    if (ms === undefined) await Deno.remove(`${this.#directory}/slow`);
    else await this.#control("slow", `${ms} ${end}`);
  }

  /** The same for each sync. */
  async slowSyncs(ms: number | undefined, end: string): Promise<void> {
    if (ms === undefined) await Deno.remove(`${this.#directory}/slow-sync`);
    else await this.#control("slow-sync", `${ms} ${end}`);
  }

  /** Whether the sync that was to fail has done so. */
  async hasFailed(): Promise<boolean> {
    try {
      await Deno.stat(`${this.#directory}/sync-fails`);
      return false;
    } catch {
      return true;
    }
  }

  /** All at once, for the program looks at any moment. */
  async #control(name: string, text: string): Promise<void> {
    const path = `${this.#directory}/${name}`;
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}
