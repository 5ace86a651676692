import { EncodedStatements } from "../store/types.ts";

interface LargeStatementsFacts {
  /** Whether there is a PRAGMA for which all of the request is refused. */
  readonly breaking: boolean;
  /** Whether they must not share a batch of the queue. */
  readonly setsContext: boolean;
  /** The same statements without parameters, where they were asked for. */
  readonly inspection: EncodedStatements | undefined;
  /** Of the body's text. */
  readonly characters: number;
}

/** The statements of a large body, as the Worker that has read it says. */
export class LargeStatements extends EncodedStatements {
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    length: number,
    readonly facts: LargeStatementsFacts,
  ) {
    super(bytes, length);
  }
}
