import assert from "node:assert/strict";
import { clientCertificatesMissing, nodeTlsMissing } from "../../src/tls/runtime.ts";

const old = ["2.4.2", "2.7.12", "2.7.13", "1.46.0"];
const recent = ["2.8.0-rc.1", "2.8.0+3f2a1bc", "2.8.0", "2.9.6", "2.10.0", "3.0.0"];

for (
  const [what, missing] of [
    ["TLS between nodes", nodeTlsMissing],
    ["-http-verify-client", clientCertificatesMissing],
  ] as const
) {
  Deno.test(`${what} is refused under a Deno that cannot have it, with the way out`, () => {
    for (const version of old) {
      const needs = `${what} needs Deno 2.8 or newer, and this`;
      const run = missing({ version, compiledIn: false });
      assert.ok(run?.startsWith(`${needs} is ${version}: `), run);
      assert.match(run ?? "", /deno upgrade/);
      const compiled = missing({ version, compiledIn: true });
      assert.ok(compiled?.startsWith(`${needs} program was compiled with ${version}: `), compiled);
      assert.match(compiled ?? "", /deno task compile/);
    }
    for (const version of recent) {
      for (const compiledIn of [false, true]) {
        assert.equal(missing({ version, compiledIn }), undefined);
      }
    }
  });
}

Deno.test("who cannot ask for certificates is told what HTTPS there can do", () => {
  const sentence = clientCertificatesMissing({ version: "2.4.2", compiledIn: true });
  assert.match(sentence ?? "", /without that flag HTTPS works here, with users by -auth$/);
});
