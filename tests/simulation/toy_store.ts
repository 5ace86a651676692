import type { Engine } from "../../src/member/openers.ts";
import type {
  Command,
  ReadRequest,
  Results,
  StateMachine,
  Statement,
  Statements,
} from "../../src/store/types.ts";
import { plainStatements } from "../../src/store/codec/statement_codec.ts";
import type { CheckedStore, Contents, StoreHome, StoreHomeParts, StoreKind } from "./store_home.ts";
import { encodeToyCommand, toyCodec } from "./toy_command.ts";
import { ToyStateMachine, ToyStorage } from "./toy_state_machine.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

/** The one kind of write that clients make. */
function appendStatement(key: number, value: number): Statement {
  return { sql: "append", positional: [key, value] };
}

/** The one kind of read: all values of a list. */
function listStatement(key: number): Statement {
  return { sql: "list", positional: [key] };
}

/** How the cluster's write path makes bytes of a command. */
function encodeCommand(command: Command): Uint8Array {
  const statement = command.type === "execute" ? plainStatements(command.statements)[0] : undefined;
  const [key, value] = statement?.positional ?? [];
  if (typeof key !== "number" || typeof value !== "number") {
    throw new Error("The toy store can only append");
  }
  const { origin, sequence, floor } = command.request ?? { origin: 0n, sequence: 0, floor: 0 };
  return encodeToyCommand({ origin, sequence, floor, key, value });
}

function decodeValues(bytes: Uint8Array): number[] {
  return [...new Uint32Array(bytes.slice().buffer)];
}

/** The toy with the face that the cluster's service wants of its store. */
class ToyStore extends ToyStateMachine implements CheckedStore, StateMachine {
  readonly outsideReaders = undefined;
  readonly changes = undefined;
  readonly changesDelivered = undefined;
  readonly failed: Promise<never> = new Promise(() => {});

  get stateHash(): number {
    return this.state.hash;
  }

  read(request: ReadRequest): Uint8Array {
    const key = plainStatements(request.statements)[0]?.positional?.[0];
    const list = typeof key === "number" ? this.state.list(key) : [];
    return new Uint8Array(new Uint32Array(list).buffer);
  }

  shrink(): void {}

  inspect(statements: Statements): Promise<boolean[]> {
    return Promise.resolve(plainStatements(statements).map(({ sql }) => sql === "list"));
  }

  liveRead(): Promise<never> {
    return Promise.reject(new Error("The toy store runs no queries"));
  }

  waitApplied(): Promise<never> {
    return Promise.reject(new Error("The toy store tells nobody what is applied"));
  }

  hold(): Promise<never> {
    return Promise.reject(new Error("The toy store holds nothing"));
  }

  onDamage(): void {}

  distrust(): void {}

  readonly distrusted = 0;

  loadPrepared(): Promise<void> {
    return Promise.resolve();
  }

  prepareCopy(): void {}

  holdCopy(): Promise<never> {
    return Promise.reject(new Error("The toy store compares nothing"));
  }

  rehearsal(): never {
    throw new Error("The toy store has no transactions");
  }

  backup(): Promise<never> {
    return Promise.reject(new Error("The toy store makes no backups"));
  }

  pack(): Promise<never> {
    return Promise.reject(new Error("The toy store makes no backups"));
  }

  check(): Promise<never> {
    return Promise.reject(new Error("The toy store takes no backups"));
  }

  install(): Promise<never> {
    return Promise.reject(new Error("The toy store takes no backups"));
  }

  status(): Promise<never> {
    return Promise.reject(new Error("The toy store has no figures"));
  }

  statements(): Promise<never> {
    return Promise.reject(new Error("The toy store runs no statements"));
  }
}

/** All nodes have one SQLite, or rather none. */
const profile = {
  version: "none",
  sourceId: "",
  compileOptions: [],
  probes: [],
  extensions: [],
  safeFunctions: [],
};

/** In memory; falls back at a power cut. */
class ToyStoreHome implements StoreHome {
  readonly #parts: StoreHomeParts;
  readonly #storage = new ToyStorage();

  constructor(parts: StoreHomeParts) {
    this.#parts = parts;
  }

  engine(process: SimulatedProcess, opened: (store: CheckedStore) => void): Engine {
    const { queue, random, faults, applied } = this.#parts;
    return {
      open: () => {
        const store = new ToyStore(
          this.#storage,
          queue,
          process,
          random,
          faults,
          (entry, state) => applied(entry, state.hash),
        );
        opened(store);
        return Promise.resolve({ store, profile, libraryPath: "none" });
      },
      encoder: () => encodeCommand,
      codec: () => toyCodec,
    };
  }

  crash(kind: "process" | "power"): void {
    if (kind === "power") this.#storage.crashPower(this.#parts.random);
  }

  get appliedIndex(): number {
    return this.#storage.position.index;
  }

  get durableIndex(): number {
    return this.#storage.durablePosition.index;
  }

  get installedIndex(): number {
    return this.#storage.installedIndex;
  }

  contents(): Contents {
    const { lists, hash } = this.#storage.load();
    return { lists, hash, tables: new Map() };
  }

  remove(): void {}
}

/** Lists in memory, with commands of their own. */
export const toyStores: StoreKind = {
  home: (parts) => new ToyStoreHome(parts),
  upkeep: { vacuumMs: 0, optimizeMs: 0, vacuumMode: "full" },
  changesBytes: undefined,
  setup: [],
  append: (key, value) => [appendStatement(key, value)],
  list: listStatement,
  lengthIn,
  valuesIn: decodeValues,
};

/** What the leader answers is text; forwarded, it arrives as bytes. */
function lengthIn(results: Results): number {
  return Number(typeof results === "string" ? results : new TextDecoder().decode(results));
}
