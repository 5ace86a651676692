import assert from "node:assert/strict";
import { join } from "node:path";
import { Gate } from "../../src/access/gate.ts";
import { HashChecker } from "../../src/access/hash_checker.ts";
import { parseUsersFile } from "../../src/access/users_file.ts";
import { serve } from "../../src/http/serve.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { readCredentials } from "../../src/tls/credentials.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { appWith, FakeService } from "./fake_service.ts";

const bodyBytesMax = 200_000;

/** Asks by curl; resolves with its status line or error, and the version of HTTP. */
async function curl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("curl", {
    args: ["-sS", "-m", "10", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", ...args],
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("curl gets the answer to each request of which the body is not read, over HTTP/2 too", () =>
  withDirectory(async (directory) => {
    const { users } = parseUsersFile('[{"username":"a","password":"b","perms":["all"]}]');
    const hashes = new HashChecker();
    const gate = new Gate({ users: () => users, hashes, clock: new DenoClock() });
    const parts = appWith(new FakeService(), { bodyBytesMax }, {}, { gate });
    const authority = await Authority.create(directory);
    const paths = { ...await authority.issue({ name: "node" }), caPath: "" };
    const files = await Promise.all([paths.certPath, paths.keyPath].map((p) => Deno.readFile(p)));
    const certificates = { current: readCredentials(paths, files), onChange() {} };
    const server = await serve({
      ...{ ...parts, hostname: "127.0.0.1", port: 0 },
      https: { certificates, clients: undefined },
    });
    try {
      const url = `https://${server.address}`;
      const body = join(directory, "body");
      const post = ["--cacert", authority.caPath, "-H", "content-type: application/json"];
      for (const bytes of [20, 10_000, 100_000, 3_000_000]) {
        await Deno.writeTextFile(body, "x".repeat(bytes));
        const send = ["--data-binary", `@${body}`];
        const tooLarge = bytes > bodyBytesMax ? "413" : "400";
        const tried: [string, string[]][] = [
          ["401", [...post, ...send, `${url}/db/execute`]],
          ["405", [...post, "-u", "a:b", "-X", "PUT", ...send, `${url}/db/execute`]],
          ["404", [...post, "-u", "a:b", ...send, `${url}/nope`]],
          ["400", [...post, "-u", "a:b", ...send, `${url}/db/execute?timeout=x`]],
          [tooLarge, [...post, "-u", "a:b", ...send, `${url}/db/execute`]],
        ];
        // Who is answered with success sends all of it, of which no more than this is read.
        if (bytes < 1_000_000) {
          tried.push(["200", [...post, "-u", "a:b", ...send, `${url}/snapshot`]]);
        }
        for (const [status, args] of tried) {
          for (let round = 0; round < 5; round++) {
            assert.equal(await curl("--http2", ...args), `${status} 2`, `${bytes} bytes`);
          }
          assert.equal(await curl("--http1.1", ...args), `${status} 1.1`, `${bytes} bytes`);
        }
      }
    } finally {
      await server.stop(5_000);
      parts.bodyReader.end();
      hashes.end();
    }
  }));
