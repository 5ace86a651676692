import { fileURLToPath } from "node:url";
import type { Release } from "./releases.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

async function git(...args: string[]): Promise<Deno.CommandOutput | undefined> {
  try {
    return await new Deno.Command("git", { args: ["-C", repository, ...args] }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The source of an earlier release, in a directory of its own. */
export class EarlierTree implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async of({ name, commit }: Release): Promise<EarlierTree> {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-earlier-" });
    const tree = new EarlierTree(directory);
    const archive = `${directory}/archive.tar`;
    const steps = [
      () => git("archive", "--output", archive, commit, "main.ts", "deno.json", "deno.lock", "src"),
      () => new Deno.Command("tar", { args: ["-xf", archive, "-C", directory] }).output(),
    ];
    for (const step of steps) {
      const output = await step();
      if (output?.success) continue;
      await tree[Symbol.asyncDispose]();
      const why = output === undefined ? "no git" : new TextDecoder().decode(output.stderr);
      throw new Error(`The tree of ${name} cannot be had: ${why}`);
    }
    return tree;
  }

  get mainPath(): string {
    return `${this.#directory}/main.ts`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/**
 * A test beside an earlier release. Where this is no clone, or one that does not reach back so far,
 * it is left out, and its name says so.
 */
export async function testBeside(
  release: Release,
  name: string,
  body: (tree: EarlierTree) => Promise<void>,
): Promise<void> {
  const known = await git("cat-file", "-e", `${release.commit}^{commit}`);
  const whole = `beside ${release.name}: ${name}`;
  if (known?.success !== true) {
    const why = known === undefined ? "there is no git here" : "this clone does not have it";
    Deno.test({ name: `${whole} (left out: ${why})`, ignore: true, fn: () => {} });
    return;
  }
  Deno.test(whole, async () => {
    await using tree = await EarlierTree.of(release);
    await body(tree);
  });
}
