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

/** Reads images of the database for several clients in turn, a piece at a time. */
class ImageWork {
  readonly #library: Library;
  readonly #scope: ThreadScope<ImageReply>;
  readonly #images = new Map<number, HeldImage>();

  constructor(library: Library, scope: ThreadScope<ImageReply>) {
    this.#library = library;
    this.#scope = scope;
  }

  async handle(request: ImageRequest): Promise<ImageResults[ImageRequest["type"]]> {
    switch (request.type) {
      case "open": {
        const { disk, clock } = this.#scope;
        const { image: number, options } = request;
        const letGo = () => this.#scope.post({ type: "let_go", image: number });
        const image = new HeldImage({ ...options, library: this.#library, disk, clock, letGo });
        this.#images.set(number, image);
        const { position, sizeBytes } = image;
        return { position, sizeBytes };
      }
      case "read": {
        const image = this.#images.get(request.image);
        if (image === undefined) throw new Error("The copy is closed");
        return await image.read(request.offset, request.length);
      }
      case "close":
        await this.#images.get(request.image)?.close();
        this.#images.delete(request.image);
        return undefined;
    }
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
