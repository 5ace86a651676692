import { voterIds } from "../raft/configuration.ts";
import { nodeName } from "../raft/types.ts";
import type { Configuration as Members, NodeId } from "../raft/types.ts";
import { removeIfThere } from "../io/remove_if_there.ts";
import type { Disk, Logger } from "../io/types.ts";
import { messageOf } from "../base/message_of.ts";
import { readText, writeFileAtomically } from "./atomic_file.ts";

/** What of a node's files is damaged: its database alone, or what it has promised, its log. */
export type DamagedPart = "database" | "log";

export interface RepairText {
  readonly part: DamagedPart;
  readonly reason: string;
  /** What is damaged is set aside; before that it may be in its place still, or half of it. */
  readonly moved: boolean;
}

const noteName = "damaged.json";
const membersName = "members.json";

/** Who votes in a cluster. */
export interface Voters {
  /** The Raft addresses of those that vote beside this node; of all, where it is not known who does. */
  readonly others: readonly string[];
  /** How many vote, this node counted only if it does; undefined where an earlier release has not said. */
  readonly count: number | undefined;
}

/**
 * What a node remembers for the case that its files are damaged, beside them: `damaged.json` is
 * there from when that was found until others have made up for it; `members.json` has the Raft
 * addresses of the cluster's nodes, by which one that has lost its log finds them.
 */
export class RepairNote {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();
  #addresses = "";

  constructor(disk: Disk, directory: string, logger: Logger) {
    this.#disk = disk;
    this.#directory = directory;
    this.#logger = logger;
  }

  async read(): Promise<RepairText | undefined> {
    const text = await readText(this.#disk, `${this.#directory}/${noteName}`);
    if (text === undefined) return undefined;
    const { part, reason, moved } = parsed(text);
    // What is not whole still says that something is damaged.
    return {
      part: part === "log" ? "log" : "database",
      reason: typeof reason === "string" ? reason : "it was found so before",
      moved: moved === true,
    };
  }

  write(note: RepairText): Promise<void> {
    const text = `${JSON.stringify(note, null, 2)}\n`;
    const written = this.#writing.then(async () => {
      await this.#disk.makeDirectory(this.#directory);
      await writeFileAtomically(this.#disk, `${this.#directory}/${noteName}`, text);
    });
    this.#writing = written.catch(() => {});
    return written;
  }

  async clear(): Promise<void> {
    const wasThere = await removeIfThere(this.#disk, `${this.#directory}/${noteName}`);
    if (wasThere) await this.#disk.syncDirectory(this.#directory);
  }

  /** The Raft addresses of the other members, as this node has last known them; undefined where it has not. */
  async addresses(self: string): Promise<string[] | undefined> {
    return (await this.#known(self))?.others.map(({ address }) => address);
  }

  /** Who votes, as this node has last known it; undefined where it has not. */
  async voters(self: string): Promise<Voters | undefined> {
    const known = await this.#known(self);
    if (known === undefined) return undefined;
    const { others, voters } = known;
    const voting = others.filter(({ name }) => voters?.includes(name) ?? true);
    return { others: voting.map(({ address }) => address), count: voters?.length };
  }

  async #known(self: string): Promise<
    {
      readonly others: readonly { readonly name: string; readonly address: string }[];
      readonly voters: readonly unknown[] | undefined;
    } | undefined
  > {
    const text = await readText(this.#disk, `${this.#directory}/${membersName}`);
    const { addresses, voters } = text === undefined ? {} : parsed(text);
    if (typeof addresses !== "object" || addresses === null) return undefined;
    const others = Object.entries(addresses)
      .filter(([name, address]) => name !== self && typeof address === "string")
      .map(([name, address]) => ({ name, address: String(address) }));
    return { others, voters: Array.isArray(voters) ? voters : undefined };
  }

  /** Remembers where the members are; of a node that is none of them it forgets nothing. */
  remember({ members }: Members, self: NodeId): void {
    if (!members.some(({ id }) => id === self)) return;
    const addresses = Object.fromEntries(
      members.map(({ id, address }) => [nodeName(id), address]),
    );
    const voters = voterIds({ members }).map(nodeName);
    const text = `${JSON.stringify({ addresses, voters }, null, 2)}\n`;
    if (text === this.#addresses) return;
    this.#addresses = text;
    const path = `${this.#directory}/${membersName}`;
    this.#writing = this.#writing
      .then(() => writeFileAtomically(this.#disk, path, text))
      .catch((error) => this.#logger.log("DEBUG", "cluster", messageOf(error)));
  }

  /** Resolves when nothing of it is being written. */
  idle(): Promise<void> {
    return this.#writing;
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
