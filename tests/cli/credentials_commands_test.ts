import assert from "node:assert/strict";
import { tokenHash } from "../../src/access/credentials.ts";
import { matchesHash } from "../../src/access/password_hash.ts";
import { parseUsersFile } from "../../src/access/users_file.ts";
import { runProgram } from "./shell_program.ts";

Deno.test("raftlite hash-password hashes the line that it reads", async () => {
  for (const input of ["pass wörd\n", "pass wörd\r\nmore\n", "pass wörd"]) {
    const { code, stdout } = await runProgram(["hash-password"], input);
    assert.equal(code, 0);
    assert.match(stdout, /^\$scrypt\$ln=15,r=8,p=3\$[^\n]+\n$/);
    assert(await matchesHash(new TextEncoder().encode("pass wörd"), stdout.trim()));
    parseUsersFile(JSON.stringify([{ username: "a", password: stdout.trim(), perms: [] }]));
  }
});

Deno.test("raftlite hash-password takes no empty password, and none as an argument", async () => {
  assert.deepEqual(await runProgram(["hash-password"], "\n"), {
    code: 1,
    stdout: "",
    stderr: "fatal: The password is empty\n",
  });
  const { code, stdout, stderr } = await runProgram(["hash-password", "hunter2"], "");
  assert.deepEqual([code, stdout], [2, ""]);
  assert(!stderr.includes("hunter2"), stderr);
});

Deno.test("raftlite new-token prints a token and its line for the file of users", async () => {
  const { code, stdout } = await runProgram(["new-token", "ci", "2027-01-01"], "");
  assert.equal(code, 0);
  const [token = "", line = ""] = stdout.split("\n");
  assert.match(token, /^rl_[\w-]{43}$/);
  const entry = JSON.parse(line);
  assert.deepEqual(entry, {
    name: "ci",
    hash: `sha256:${tokenHash(token)}`,
    expires: "2027-01-01T00:00:00.000Z",
  });
  parseUsersFile(JSON.stringify([{ username: "a", perms: ["all"], tokens: [entry] }]));
  assert.equal((await runProgram(["new-token"], "")).code, 2);
});
