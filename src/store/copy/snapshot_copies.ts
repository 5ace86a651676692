import { messageOf } from "../../base/message_of.ts";
import { type AppliedPosition, SnapshotRejectedError, type StateSnapshot } from "../types.ts";
import type { Copier } from "./copier.ts";
import type { Images } from "./images.ts";
import { receiveSnapshot, snapshotSize, writeSnapshot } from "./snapshot_body.ts";
import type { TemporaryFile, TemporaryFiles } from "./temporary_files.ts";

interface Parts {
  readonly images: Images;
  readonly temporaries: TemporaryFiles;
  readonly copier: Copier;
}

/** One that has come, verified and durable. */
export interface ReceivedSnapshot {
  readonly received: TemporaryFile;
  readonly position: AppliedPosition;
}

/** Copies of the database that nodes send each other. */
export class SnapshotCopies {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Opens one, to be sent. */
  async open(): Promise<StateSnapshot> {
    const image = await this.#parts.images.open("snapshot", { of: "all" });
    const { position, sizeBytes } = image;
    return {
      position,
      sizeBytes: snapshotSize(sizeBytes),
      body: writeSnapshot(image.pieces(), sizeBytes),
      close: () => image.close(),
    };
  }

  /** Receives one, verified and durable; the caller removes it. Throws a SnapshotRejectedError. */
  async receive(body: AsyncIterable<Uint8Array>): Promise<ReceivedSnapshot> {
    const received = this.#make();
    try {
      const file = await received.open({ create: true });
      await receiveSnapshot(body, file);
      const position = await this.#parts.copier.run<"verify">({
        type: "verify",
        path: received.path,
      });
      // SQLite wrote to it last, and any handle syncs all of a file.
      await file.sync();
      received.close();
      return { received, position };
    } catch (error) {
      await received.remove();
      throw new SnapshotRejectedError(messageOf(error), { cause: error });
    }
  }

  #make(): TemporaryFile {
    try {
      return this.#parts.temporaries.make("received");
    } catch (error) {
      throw new SnapshotRejectedError(messageOf(error), { cause: error });
    }
  }
}
