import assert from "node:assert/strict";
import { FlagError } from "../../src/cli/flag_error.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { mutualTrust } from "../../src/tls/node_trust.ts";

function nodeTls(flags: string) {
  const invocation = parseFlags([...flags.split(" "), "data"]);
  assert.ok(invocation.type === "serve");
  return invocation.configuration.nodeTls;
}

const files = "-node-cert c -node-key k";

Deno.test("certificate and key make nodes speak TLS, verified by name unless told otherwise", () => {
  const trust = {
    verifyServer: true,
    serverName: undefined,
    verifyClient: false,
    clientCommonName: undefined,
    acceptPlain: false,
  };
  const paths = { certPath: "c", keyPath: "k", caPath: "" };
  assert.deepEqual(nodeTls(files), { type: "files", files: paths, trust });
  assert.deepEqual(
    nodeTls(`${files} -node-ca-cert a -node-verify-client -node-verify-common-name n`),
    {
      type: "files",
      files: { ...paths, caPath: "a" },
      trust: { ...trust, verifyClient: true, clientCommonName: "n" },
    },
  );
  assert.deepEqual(nodeTls(`${files} -node-verify-server-name n -node-accept-plain`), {
    type: "files",
    files: paths,
    trust: { ...trust, serverName: "n", acceptPlain: true },
  });
  assert.deepEqual(nodeTls(`${files} -node-no-verify`), {
    type: "files",
    files: paths,
    trust: { ...trust, verifyServer: false },
  });
});

Deno.test("-node-auto-tls has both ends verified, always", () => {
  assert.deepEqual(nodeTls("-node-auto-tls s"), {
    type: "secret",
    secretPath: "s",
    trust: mutualTrust,
  });
  assert.deepEqual(nodeTls("-node-auto-tls s -node-accept-plain"), {
    type: "secret",
    secretPath: "s",
    trust: { ...mutualTrust, acceptPlain: true },
  });
});

Deno.test("flags that would protect nothing are refused, with the way out", () => {
  const refused: readonly [flags: string, message: RegExp][] = [
    ["-node-cert c", /^-node-cert needs -node-key/],
    ["-node-key k", /^-node-key needs -node-cert/],
    ["-node-ca-cert a", /^-node-ca-cert does nothing without .*-node-cert and -node-key/],
    ["-node-no-verify", /^-node-no-verify does nothing without/],
    ["-node-verify-client", /^-node-verify-client does nothing without/],
    ["-node-verify-server-name n", /^-node-verify-server-name does nothing without/],
    ["-node-verify-common-name n", /^-node-verify-common-name does nothing without/],
    ["-node-accept-plain", /^-node-accept-plain does nothing without/],
    [`${files} -node-verify-client`, /^-node-verify-client needs -node-ca-cert/],
    [`${files} -node-verify-common-name n`, /without -node-verify-client/],
    [`${files} -node-no-verify -node-verify-server-name n`, /exclude each other/],
    [`${files} -node-no-verify -node-ca-cert a`, /leave out -node-no-verify/],
    [`${files} -node-auto-tls s`, /^-node-auto-tls has no need of -node-cert/],
    ["-node-auto-tls s -node-no-verify", /^-node-auto-tls has no need of -node-no-verify/],
  ];
  for (const [flags, message] of refused) {
    assert.throws(() => nodeTls(flags), (error: Error) => {
      assert.ok(error instanceof FlagError, flags);
      assert.match(error.message, message);
      return true;
    });
  }
});
