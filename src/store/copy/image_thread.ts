import { assert } from "../../base/assert.ts";
import { EditTooLargeError, type Library, type LibraryLocation } from "../../sqlite/mod.ts";
import { isOutOfRoom, reasonOf } from "../failures.ts";
import { type RequestTo, type ThreadScope, transferOf } from "../threads.ts";
import type { AppliedPosition } from "../types.ts";
import { HeldImage, type HeldImageOptions } from "./held_image.ts";

export interface ImagesStart {
  readonly type: "start";
  readonly library: LibraryLocation;
}

export type ImageRequest =
  | {
    readonly type: "open";
    readonly image: number;
    readonly options: Pick<HeldImageOptions, "path" | "restPath" | "content" | "limits">;
  }
  | {
    readonly type: "read";
    readonly image: number;
    readonly offset: number;
    readonly length: number;
  }
  /** Answered when nothing of it is in use; there need be none. */
  | { readonly type: "close"; readonly image: number };

export interface OpenedImage {
  readonly position: AppliedPosition;
  readonly sizeBytes: number;
}

export interface ImageResults {
  open: OpenedImage;
  read: Uint8Array<ArrayBuffer>;
  close: undefined;
}

export interface NumberedImageRequest {
  readonly type: "request";
  readonly id: number;
  readonly request: ImageRequest;
}

export type ImageReply =
  /** What is left of an image was copied, or will not be read: it holds the database no more. */
  | { readonly type: "let_go"; readonly image: number }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | {
    readonly type: "failed";
    readonly id: number;
    readonly message: string;
    /** No room on the disk; more to leave out than fits into memory; anything else. */
    readonly cause: "full" | "too_large" | "other";
  };

interface Opening {
  isClosed: boolean;
  readonly settled: Promise<void>;
}

/** Reads images of the database for several clients in turn, a piece at a time. */
class ImageWork {
  readonly #library: Library;
  readonly #scope: ThreadScope<ImageReply>;
  readonly #images = new Map<number, HeldImage>();
  /** Those that are waited for still. */
  readonly #opening = new Map<number, Opening>();

  constructor(library: Library, scope: ThreadScope<ImageReply>) {
    this.#library = library;
    this.#scope = scope;
  }

  async handle(request: ImageRequest): Promise<ImageResults[ImageRequest["type"]]> {
    switch (request.type) {
      case "open":
        return await this.#open(request);
      case "read": {
        const image = this.#images.get(request.image);
        if (image === undefined) throw new Error("The copy is closed");
        return await image.read(request.offset, request.length);
      }
      case "close":
        return await this.#close(request.image);
    }
  }

  async #open(
    { image: number, options }: Extract<ImageRequest, { type: "open" }>,
  ): Promise<OpenedImage> {
    const { disk, clock } = this.#scope;
    const letGo = () => this.#scope.post({ type: "let_go", image: number });
    const all = { ...options, library: this.#library, disk, clock, letGo };
    const settled = Promise.withResolvers<void>();
    const opening: Opening = { isClosed: false, settled: settled.promise };
    this.#opening.set(number, opening);
    try {
      // A follower goes on within an entry; whoever has the users' data only cannot.
      const image = options.content.of === "all" ? new HeldImage(all) : await HeldImage.between(
        all,
        () => {
          if (opening.isClosed) throw new Error("The copy is closed");
        },
      );
      this.#images.set(number, image);
      const { position, sizeBytes } = image;
      return { position, sizeBytes };
    } finally {
      this.#opening.delete(number);
      settled.resolve();
    }
  }

  async #close(number: number): Promise<undefined> {
    const opening = this.#opening.get(number);
    if (opening !== undefined) {
      opening.isClosed = true;
      await opening.settled;
    }
    await this.#images.get(number)?.close();
    this.#images.delete(number);
  }
}

export function imageThread(
  scope: ThreadScope<ImageReply>,
): (request: RequestTo<"images">) => void {
  let work: ImageWork | undefined;
  const answer = async (id: number, request: ImageRequest) => {
    assert(work !== undefined, "The thread of images was not told how to begin");
    try {
      const value = await work.handle(request);
      const transfer = value instanceof Uint8Array ? transferOf(value) : [];
      scope.post({ type: "answer", id, value }, transfer);
    } catch (error) {
      const cause = error instanceof EditTooLargeError
        ? "too_large"
        : isOutOfRoom(error)
        ? "full"
        : "other";
      scope.post({ type: "failed", id, message: reasonOf(error), cause });
    }
  };
  return (request) => {
    if (request.type === "start") work = new ImageWork(scope.openLibrary(request.library), scope);
    else void answer(request.id, request.request);
  };
}
