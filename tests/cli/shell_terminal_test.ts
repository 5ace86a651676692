import assert from "node:assert/strict";
import { Cluster } from "../cluster/harness.ts";
import { shellCommand } from "./shell_program.ts";
import { hasPty, Pty } from "./shell_pty.ts";

const ignore = !hasPty();

Deno.test(
  { name: "the shell at a terminal: edits, completes, cancels, remembers", ignore },
  async (t) => {
    await using cluster = await Cluster.start({ size: 1 });
    const node = cluster.nodes[0];
    assert.ok(node);
    await node.execute([
      "CREATE TABLE people (id INTEGER PRIMARY KEY, full_name TEXT)",
      "INSERT INTO people(full_name) VALUES('fiona'), (NULL)",
    ]);
    const home = await Deno.makeTempDir({ prefix: "raftlite-shell-" });
    const environment = { HOME: home, DENO_DIR: await denoDirectory() };
    const open = (more: Record<string, string> = {}) =>
      new Pty(shellCommand("-p", String(node.httpPort)), { ...environment, ...more });
    try {
      await using shell = open();
      const prompt = new RegExp(`127.0.0.1:${node.httpPort}> $`);
      const continued = /\.\.\.> $/;
      await shell.see(prompt);

      await t.step(
        "takes a statement over several lines, to a semicolon or an empty line",
        async () => {
          await shell.send("SELECT 'one'\r");
          await shell.see(continued);
          await shell.send("  AS a;\r");
          await shell.see(/\| one \|[^]*> $/);
          await shell.send("SELECT 'two'\r");
          await shell.see(continued);
          await shell.send("\r");
          await shell.see(/\| two[^]*> $/);
        },
      );

      await t.step("shows NULL faintly and the head in colour", async () => {
        await shell.send("SELECT NULL AS blank;\r");
        await shell.see(/\| NULL[^]*> $/);
        assert.ok(shell.raw.includes("\x1b[2mNULL\x1b[22m"));
        assert.ok(shell.raw.includes("\x1b[36mblank\x1b[39m"));
      });

      await t.step("shows the rows of a watched query again, until Ctrl-C", async () => {
        await shell.send(".watch SELECT max(id) AS newest FROM people\r");
        await shell.see(/newest[^]*\| 2 /);
        await node.execute(["INSERT INTO people(id) VALUES (77)"]);
        await shell.see(/\| 77 /);
        await shell.send("\x03");
        await shell.see(prompt);
        await node.execute(["DELETE FROM people WHERE id = 77"]);
      });

      await t.step("completes tables, columns and commands with Tab", async () => {
        await shell.send("SELECT full_name FROM peo");
        await shell.see(/FROM peo/);
        await shell.send("\t");
        await shell.see(/ple/);
        await shell.send(" WHERE people.fu");
        await shell.see(/people\.fu/);
        await shell.send("\t");
        await shell.see(/ll_name/);
        await shell.send(" > '';\r");
        await shell.see(/\| fiona[^]*> $/);
        await shell.send(".tab");
        await shell.see(/\.tab/);
        await shell.send("\t");
        await shell.see(/les/);
        await shell.send("\r");
        await shell.see(/\| people \|[^]*> $/);
      });

      await t.step("Ctrl-C throws away what was typed, and cancels what runs", async () => {
        await shell.send("SELECT 'half\r");
        await shell.see(continued);
        await shell.send("and more");
        await shell.see(/and more/);
        await shell.send("\x03");
        await shell.see(/\^C\n.*> $/);
        const endless = "SELECT count(*) FROM (WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL " +
          "SELECT x+1 FROM c) SELECT x FROM c)";
        for (let i = 0; i < 3; i++) {
          await shell.send(`${endless} AS t${i};\r`);
          await shell.see(new RegExp(`t${i};\n`));
          await shell.send("\x03");
          await shell.see(/Cancelled\n.*> $/);
        }
        await shell.send("SELECT 'alive';\r");
        await shell.see(/\| alive[^]*> $/);
      });

      await t.step("arrow up brings whole statements back, in the next shell too", async () => {
        await shell.send("\x1b[A");
        await shell.see(/SELECT 'alive';/);
        await shell.send("\x03");
        await shell.see(prompt);
        await shell.send(".quit\r");
        await shell.see(/bye~/);
        assert.equal(await shell.ended(), 0);
        await using next = open({ NO_COLOR: "1" });
        await next.see(prompt);
        await next.send("\x1b[A\x1b[A");
        await next.see(/SELECT 'alive';/);
        await next.send("\r");
        await next.see(/\| alive[^]*> $/);
        assert.ok(!next.raw.includes("\x1b[36m"), "NO_COLOR is not heeded");
        await next.send("\x04");
        await next.see(/bye~/);
        assert.equal(await next.ended(), 0);
        const lines = (await Deno.readTextFile(`${home}/.raftlite_history`)).split("\n");
        assert.ok(lines.includes("SELECT 'one' AS a;"), lines.join("\n"));
      });

      await t.step("a backup shows how far it is, and clears that away", async () => {
        await using other = open();
        await other.see(prompt);
        await other.send(`.backup ${home}/backup.sqlite\r`);
        await other.see(/written successfully[^]*> $/);
        assert.match(other.raw, /Backup: [\d.]+ \w+/);
      });
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);

/** Where Deno has its packages, which HOME would move. */
async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
