/** Something that the shell's user is told, and after which the shell goes on. */
export class ShellError extends Error {
  override name = "ShellError";
}

/** Thrown by the commands that end the shell. */
export class Quit extends Error {
  override name = "Quit";
}
