/** What /licenses shows: this program's licence, and what it is made of. */
export const licenseText =
  `raftlite is under the MIT License; the file LICENSE beside its source has the text.

It contains:
  SQLite (https://sqlite.org): public domain
  Deno (https://deno.com): MIT License, with the licences of its own parts
  Hono (https://hono.dev): MIT License
  bcryptjs (https://github.com/dcodeIO/bcrypt.js): BSD 3-Clause License
  cli-table3 (https://github.com/cli-table/cli-table3): MIT License; with it come
    @colors/colors, ansi-regex, emoji-regex, is-fullwidth-code-point, string-width and strip-ansi,
    from npm, under the MIT License each
`;
