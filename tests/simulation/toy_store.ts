import type {
  AnswerFormat,
  Command,
  ReadRequest,
  StateMachine,
  Statement,
  Statements,
  Store,
} from "../../src/store/types.ts";
import { plainStatements } from "../../src/store/codec/statement_codec.ts";
import { encodeToyCommand } from "./toy_command.ts";
import { ToyStateMachine } from "./toy_state_machine.ts";

export const toyFormat: AnswerFormat = {
  associative: false,
  timings: false,
  blobArray: false,
  qualifyColumns: false,
  unified: false,
};

/** The one kind of write that clients make. */
export function appendStatement(key: number, value: number): Statement {
  return { sql: "append", positional: [key, value] };
}

/** The one kind of read: all values of a list. */
export function listStatement(key: number): Statement {
  return { sql: "list", positional: [key] };
}

/** How the cluster's write path makes bytes of a command. */
export function encodeCommand(command: Command): Uint8Array {
  const statement = command.type === "execute" ? plainStatements(command.statements)[0] : undefined;
  const [key, value] = statement?.positional ?? [];
  if (typeof key !== "number" || typeof value !== "number") {
    throw new Error("The toy store can only append");
  }
  const { origin, sequence, floor } = command.request ?? { origin: 0n, sequence: 0, floor: 0 };
  return encodeToyCommand({ origin, sequence, floor, key, value });
}

export function decodeValues(bytes: Uint8Array): number[] {
  return [...new Uint32Array(bytes.slice().buffer)];
}

/** The toy with the face that the cluster's service wants of its store. */
export class ToyStore extends ToyStateMachine implements Store, StateMachine {
  readonly failed: Promise<never> = new Promise(() => {});

  read(request: ReadRequest): Uint8Array {
    const key = plainStatements(request.statements)[0]?.positional?.[0];
    const list = typeof key === "number" ? this.state.list(key) : [];
    return new Uint8Array(new Uint32Array(list).buffer);
  }

  inspect(statements: Statements): Promise<boolean[]> {
    return Promise.resolve(plainStatements(statements).map(({ sql }) => sql === "list"));
  }

  backup(): Promise<ReadableStream<Uint8Array>> {
    return Promise.reject(new Error("The toy store makes no backups"));
  }

  status(): Promise<never> {
    return Promise.reject(new Error("The toy store has no figures"));
  }
}
