import { closeSync, openSync, writeSync } from "node:fs";
import { messageOf } from "../../base/message_of.ts";
import { print } from "../output.ts";
import { ShellError } from "./shell_error.ts";
import { plainStyle, styleFor } from "./style.ts";
import type { Style } from "./style.ts";

/** Where results go: standard output, or the file of .output. */
export class Output {
  readonly #terminalStyle = styleFor(Deno.stdout);
  #file: { readonly descriptor: number; readonly name: string } | undefined;

  get name(): string {
    return this.#file?.name ?? "stdout";
  }

  get style(): Style {
    return this.#file === undefined ? this.#terminalStyle : plainStyle;
  }

  write(text: string): void {
    if (this.#file === undefined) return print(text);
    const { descriptor, name } = this.#file;
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    } catch (error) {
      throw new ShellError(`File ${name} cannot be written: ${messageOf(error)}`);
    }
  }

  /** From now on to a file, which is emptied; throws a ShellError, and then nothing changes. */
  toFile(name: string): void {
    let descriptor: number;
    try {
      descriptor = openSync(name, "w");
    } catch (error) {
      throw new ShellError(`File ${name} cannot be written: ${messageOf(error)}`);
    }
    this.toStdout();
    this.#file = { descriptor, name };
  }

  toStdout(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor);
    this.#file = undefined;
  }
}
