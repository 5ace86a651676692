import { takePort } from "../ports.ts";

/** What pip installs; `moto` is an S3 in Python that others test with. */
const requirement = "moto[s3,server]==5.2.1";

/** moto's server as a process of its own: an S3 that somebody else has written. */
export class Moto implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #directory: string;

  private constructor(url: string, child: Deno.ChildProcess, directory: string) {
    this.url = url;
    this.#child = child;
    this.#directory = directory;
  }

  /** Undefined, with the reason printed, where it cannot be installed. */
  static async start(): Promise<Moto | undefined> {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-moto-" });
    const failure = await run("python3", ["-m", "venv", `${directory}/venv`]) ??
      await run(`${directory}/venv/bin/pip`, [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        requirement,
      ]);
    if (failure !== undefined) {
      console.error(`Not tested with moto, as it cannot be installed here: ${failure}`);
      await Deno.remove(directory, { recursive: true });
      return undefined;
    }
    const port = takePort();
    const child = new Deno.Command(`${directory}/venv/bin/moto_server`, {
      args: ["-H", "127.0.0.1", "-p", String(port)],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const moto = new Moto(`http://127.0.0.1:${port}`, child, directory);
    await moto.#ready();
    return moto;
  }

  async #ready(): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      try {
        const answer = await fetch(`${this.url}/bkt`, {
          method: "PUT",
          headers: {
            authorization:
              "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x",
          },
        });
        await answer.body?.cancel();
        if (answer.ok) return;
      } catch {
        // Not up yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("moto did not start");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** What went wrong; undefined when nothing did. */
async function run(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? `${command} is not there` : String(error);
  }
}
