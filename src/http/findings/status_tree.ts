/** /status, of which parts are asked for by their path. */
export class StatusTree {
  readonly #root: unknown;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** What stands at `path`, like `store.raft.term`; undefined when nothing does. */
  at(path: string): unknown {
    let part = this.#root;
    for (const name of path.split(".")) {
      if (typeof part !== "object" || part === null || !Object.hasOwn(part, name)) return undefined;
      part = (part as Readonly<Record<string, unknown>>)[name];
    }
    return part;
  }

  number(path: string): number | undefined {
    const value = this.at(path);
    return typeof value === "number" ? value : undefined;
  }

  text(path: string): string | undefined {
    const value = this.at(path);
    return typeof value === "string" && value !== "" ? value : undefined;
  }
}
