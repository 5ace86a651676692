import assert from "node:assert/strict";
import fc from "fast-check";
import { parseUsersFile, UsersFileError } from "../../src/access/users_file.ts";

/** Another one each run; `RAFTLITE_FUZZ_SEED` repeats one. */
const seed = Number(Deno.env.get("RAFTLITE_FUZZ_SEED") ?? Date.now() % 0x7fff_ffff);

const bcryptHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/** Of each kind that htpasswd, crypt, LDAP, PostgreSQL, Django and Werkzeug write. */
const unread = [
  "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
  "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
  "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1",
  "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
  "$7$CU..../....salt$x",
  "$gy$j9T$a$b",
  "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00",
  "$md5,rounds=904$salt$x",
  "$sha1$40000$jtNX3nZ2$hBNaIXkt4wBI2o5rsi8KejSjNqIq",
  "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$x",
  "$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$x",
  "$pbkdf2-sha256$29000$x$y",
  "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
  "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
  "{ssha512}x",
  "{CRYPT}$6$salt$x",
  "{PBKDF2-SHA256}10000$x$y",
  "SCRAM-SHA-256$4096:salt$stored:server",
  "md55d41402abc4b2a76b9719d911017c592",
  "pbkdf2_sha256$600000$x$y=",
  "argon2$argon2id$v=19$m=102400,t=2,p=8$x$y",
  "bcrypt_sha256$$2b$12$x",
  "pbkdf2:sha256:600000$x$y",
  "scrypt:32768:8:1$x$y",
];

function parsed(entries: unknown) {
  return parseUsersFile(JSON.stringify(entries));
}

Deno.test("parseUsersFile() reads rqlite's files", () => {
  const { users, warnings } = parsed([
    { username: "bob", password: "secret1", perms: ["all"] },
    { USERNAME: "mary", Password: "secret2", perms: ["query", "execute"] },
    { username: "*", perms: ["status", "ready", "join-read-only"] },
  ]);
  assert.deepEqual([...users.byName.keys()], ["bob", "mary"]);
  assert.deepEqual([...users.byName.get("mary")?.permissions ?? []], ["query", "execute"]);
  assert.deepEqual([...users.everybody?.permissions ?? []], ["status", "ready", "join-read-only"]);
  assert.deepEqual(warnings, []);
  assert.equal(parsed([]).users.byName.size, 0);
});

Deno.test("parseUsersFile() warns of what rqlite passes over in silence", () => {
  const { users, warnings } = parsed([
    { username: "bob", password: "a", perms: ["all", "Query"] },
    { username: "bob", password: "b", perms: [], note: "x" },
  ]);
  assert.deepEqual([...users.byName.get("bob")?.permissions ?? []], []);
  assert.deepEqual(warnings, [
    'Entry 1 of the file of users ("bob") has a permission "Query" that there is not',
    'Entry 2 of the file of users has a key "note" that means nothing here',
    'user "bob" has several entries: the last one counts',
  ]);
});

Deno.test("parseUsersFile() names the entry at fault", () => {
  const good = { username: "bob", password: "x", perms: ["all"] };
  const token = { name: "ci", hash: `sha256:${"a".repeat(64)}` };
  const faults: [unknown, string][] = [
    [
      { password: "x", perms: [] },
      "Entry 2 of the file of users has no username, or one that is no text",
    ],
    [
      { username: "", password: "x", perms: [] },
      "Entry 2 of the file of users has an empty username",
    ],
    [{ username: "m", perms: [] }, 'Entry 2 of the file of users ("m") has no password'],
    [
      { username: "m", password: "", perms: [] },
      'Entry 2 of the file of users ("m") has an empty password',
    ],
    [
      { username: "m", password: 7, perms: [] },
      'Entry 2 of the file of users ("m") has a password that is no text',
    ],
    [
      { username: "*", password: null, perms: [] },
      'Entry 2 of the file of users ("*") has a password that is no text',
    ],
    [{ username: "m", password: "x" }, 'Entry 2 of the file of users ("m") has no perms'],
    [
      { username: "m", password: "x", perms: "all" },
      'Entry 2 of the file of users ("m") has perms that is no list of texts',
    ],
    [7, "Entry 2 of the file of users is no object"],
    [
      { ...good, tables: { reed: [] } },
      'Entry 2 of the file of users ("bob") has "reed" in its tables',
    ],
    [
      { ...good, tables: { write: [""] } },
      'Entry 2 of the file of users ("bob") names a table with 0 characters, there must be 1 to 256',
    ],
    [
      { ...good, tables: { read: "x" } },
      'Entry 2 of the file of users ("bob") has tables.read that is no list of texts',
    ],
    [
      { ...good, tokens: [{ ...token, hash: "x" }] },
      'Entry 2 of the file of users ("bob") has a token "ci" whose hash is not "sha256:" and 64 digits, as raftlite new-token prints it',
    ],
    [
      { ...good, tokens: [{ ...token, expires: "soon" }] },
      'Entry 2 of the file of users ("bob") has a token "ci" that expires at no date such as "2027-01-01T00:00:00Z"',
    ],
    [
      { ...good, tokens: [token, token] },
      'Token "ci" of "bob" in the file of users is there twice',
    ],
    [
      { ...good, password: "$2x$10$abc" },
      'Entry 2 of the file of users ("bob") has a password hash that is no whole bcrypt hash of the kinds $2a$, $2b$ and $2y$',
    ],
    [
      { ...good, password: bcryptHash.replace("$10$", "$31$") },
      'Entry 2 of the file of users ("bob") has a password hash whose bcrypt cost 31 is not from 4 to 16',
    ],
    [
      { ...good, password: "$scrypt$ln=40,r=8,p=1$" + "a".repeat(22) + "$" + "a".repeat(43) },
      'Entry 2 of the file of users ("bob") has a password hash that is no whole scrypt hash, or one with too high a cost',
    ],
    [
      { ...good, password: "$argon2id$v=19$m=1,t=1,p=1$a$b" },
      'Entry 2 of the file of users ("bob") has a password hash that is no whole Argon2id hash of version 19, or one with too high a cost',
    ],
    ...unread.map((password): [unknown, string] => [
      { ...good, password },
      'Entry 2 of the file of users ("bob") has a password hash of a kind that is not read (bcrypt, scrypt and Argon2id are): raftlite hash-password makes one that is, also of a password that looks so itself',
    ]),
  ];
  for (const [entry, message] of faults) {
    assert.throws(() => parsed([good, entry]), { name: "UsersFileError", message });
  }
});

Deno.test("parseUsersFile() takes passwords that only have signs of hashes for texts", () => {
  for (const password of ["$", "$$", "$ecret", "a$1$b", "$ 1$x", "{", "{sha", "md5sum", "scrypt"]) {
    const { users } = parsed([{ username: "bob", password, perms: [] }]);
    assert.equal(users.byName.get("bob")?.password?.text, password);
  }
});

Deno.test("parseUsersFile() refuses what is no list, and quotes none of it", () => {
  const secret = "hunter2";
  for (
    const text of [
      "",
      " \n",
      "null",
      "{}",
      `{"username":"a","password":"${secret}","perms":[]}`,
      `[{"username":"a","password":"${secret}" "perms":[]}]`,
      `[{"username":"a","password":"${secret}"`,
      `[] ${secret}`,
    ]
  ) {
    assert.throws(() => parseUsersFile(text), (error) => {
      assert(error instanceof UsersFileError);
      assert(!error.message.includes(secret), error.message);
      return true;
    });
  }
});

Deno.test("parseUsersFile() takes anything or throws a UsersFileError", () => {
  const field = fc.oneof(fc.string(), fc.array(fc.string()), fc.jsonValue(), fc.constant("all"));
  const entry = fc.record({
    username: field,
    password: fc.oneof(field, fc.constantFrom(bcryptHash, "$2a$", "$scrypt$ln=1,r=1,p=1$")),
    perms: fc.oneof(fc.constant(["all"]), field),
    tables: fc.oneof(fc.record({ read: field, write: field }), field),
    tokens: fc.oneof(fc.array(fc.record({ name: field, hash: field, expires: field })), field),
  }, { requiredKeys: [] });
  const file = fc.oneof(
    fc.json(),
    fc.array(entry).map((list) => JSON.stringify(list)),
    fc.string(),
  );
  fc.assert(
    fc.property(file, (text) => {
      try {
        parseUsersFile(text);
      } catch (error) {
        assert(error instanceof UsersFileError, String(error));
      }
    }),
    { seed, numRuns: 2000 },
  );
});
