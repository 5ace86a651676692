import assert from "node:assert/strict";
import { nodeTlsMissing } from "../../src/tls/runtime.ts";

Deno.test("TLS between nodes is refused under a Deno that cannot have it", () => {
  for (const version of ["2.4.2", "2.7.14", "1.46.0"]) {
    assert.equal(
      nodeTlsMissing(version),
      `TLS between nodes needs Deno 2.8 or newer: this is ${version}`,
    );
  }
  for (const version of ["2.8.0", "2.9.6", "2.10.0", "3.0.0"]) {
    assert.equal(nodeTlsMissing(version), undefined);
  }
});
