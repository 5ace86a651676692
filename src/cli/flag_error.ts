/** A command line that cannot be obeyed: 2 when it makes no sense, 1 when it asks for something wrong. */
export class FlagError extends Error {
  override name = "FlagError";
  constructor(readonly exitCode: 1 | 2, message: string) {
    super(message);
  }
}
