import assert from "node:assert/strict";
import { parseFlags } from "../../src/cli/flags.ts";
import { parseXml, type XmlElement } from "../../src/object_store/s3_xml.ts";

const deploy = new URL("../../docs/deploy/", import.meta.url);

/** A property list's value in JavaScript; of what stands in ours. */
function plain({ name, text, children }: XmlElement): unknown {
  switch (name) {
    case "true":
      return true;
    case "string":
      return text;
    case "integer":
      return Number(text);
    case "array":
      return children.map(plain);
    case "dict": {
      const values = children.filter((_, at) => at % 2 === 1).map(plain);
      const keys = children.filter((_, at) => at % 2 === 0);
      for (const key of keys) assert.equal(key.name, "key");
      return Object.fromEntries(keys.map(({ text }, at) => [text, values[at]]));
    }
    default:
      throw new Error(`No value is called ${name}`);
  }
}

Deno.test("docs/deploy/raftlite.plist is a property list whose flags are the program's", async () => {
  const root = parseXml(await Deno.readTextFile(new URL("raftlite.plist", deploy)));
  assert.equal(root.name, "plist");
  const [job] = root.children.map(plain) as Record<string, unknown>[];
  assert.ok(job);
  const [program, ...args] = job["ProgramArguments"] as string[];
  assert.equal(program, "/usr/local/bin/raftlite");
  const invocation = parseFlags(args, {});
  assert.ok(invocation.type === "serve");
  assert.deepEqual(invocation.warnings, []);
  assert.equal(invocation.configuration.dataDirectory, "/usr/local/var/raftlite");
  const limits = { NumberOfFiles: 20000 };
  assert.deepEqual(job["SoftResourceLimits"], limits);
  assert.deepEqual(job["HardResourceLimits"], limits);
  assert.equal(job["ProcessType"], "Interactive");
  assert.equal(job["KeepAlive"], true);
});
