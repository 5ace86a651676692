import assert from "node:assert/strict";
import { isOpenSecret } from "../../src/cli/private_files.ts";

const service = 998;

const files: readonly (readonly [mode: number, uid: number, own: number, open: boolean])[] = [
  [0o600, service, service, false],
  [0o400, service, service, false],
  [0o640, service, service, true],
  [0o604, service, service, true],
  // As `raftlite systemd-unit -help` has it: root's, and lent to the service's group.
  [0o640, 0, service, false],
  [0o440, 0, service, false],
  [0o660, 0, service, true],
  [0o644, 0, service, true],
  [0o640, 0, 0, true],
  [0o600, 0, 0, false],
  [0o640, 1000, service, true],
];

Deno.test({
  name: "isOpenSecret takes what root lends a service's group for no file that is open to others",
  ignore: Deno.build.os === "windows",
  fn() {
    for (const [mode, uid, own, open] of files) {
      const text = `0${mode.toString(8)} of ${uid}, to ${own}`;
      assert.equal(isOpenSecret({ mode: mode | 0o100000, uid }, own), open, text);
    }
  },
});
