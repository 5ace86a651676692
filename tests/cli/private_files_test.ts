import assert from "node:assert/strict";
import { closingOf } from "../../src/cli/private_files.ts";

const service = { uid: 998, gid: 997 };
const root = { uid: 0, gid: 0 };
type User = typeof service;

const files: readonly (readonly [mode: number, uid: number, own: User, closing?: string])[] = [
  [0o600, service.uid, service],
  [0o400, service.uid, service],
  [0o640, service.uid, service, "chmod 600 key"],
  [0o604, service.uid, service, "chmod 600 key"],
  // As `raftlite systemd-unit -help` has it: root's, and lent to the service's group.
  [0o640, 0, service],
  [0o440, 0, service],
  [0o660, 0, service, "chgrp 997 key && chmod 640 key"],
  [0o644, 0, service, "chgrp 997 key && chmod 640 key"],
  [0o640, 0, root, "chmod 600 key"],
  [0o600, 0, root],
  [0o644, 1000, root, "chmod 600 key"],
  // Closed to all but its owner, the node could not read it.
  [0o640, 1000, service, "chown 998 key && chmod 600 key"],
];

Deno.test({
  name:
    "closingOf keeps others from a secret file, and never the node; what root lends a service's group is kept from others",
  ignore: Deno.build.os === "windows",
  fn() {
    for (const [mode, uid, own, closing] of files) {
      const text = `0${mode.toString(8)} of ${uid}, to ${own.uid}`;
      assert.equal(closingOf("key", { mode: mode | 0o100000, uid }, own), closing, text);
    }
  },
});
