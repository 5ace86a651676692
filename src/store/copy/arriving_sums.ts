import { type Library, PageSums } from "../../sqlite/mod.ts";

/**
 * Checks and changes a file that is to take the database's place, and leaves the sums of its pages
 * beside it, as `make` has read or written them: what the disk does to a page before anybody reads it
 * there is not taken for what the page is. `make` leaves no connection open, and says up to which entry
 * the file is then; `before`: what it said of the same file last, where this is not the first time.
 */
export function withArrivingSums<Made extends { readonly index: number }>(
  library: Library,
  path: string,
  make: () => Made,
  before?: Made,
): Made {
  const sums = PageSums.begin(library, path, before?.index);
  let made: Made | undefined;
  try {
    return made = make();
  } finally {
    sums?.end(made?.index);
  }
}
