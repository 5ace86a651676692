import { strict as assert } from "node:assert";
import { gatherExtensions } from "../../src/extensions/gather.ts";
import type { Logger } from "../../src/io/types.ts";
import { type Content, tarGz, zip } from "./archive_files.ts";

/** The head of a library for this machine, made to look like another by `change`. */
function library(change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  const isArm = Deno.build.arch === "aarch64";
  if (Deno.build.os === "darwin") {
    view.setUint32(0, 0xfeed_facf, true);
    view.setUint32(4, isArm ? 0x0100_000c : 0x0100_0007, true);
  } else if (Deno.build.os === "windows") view.setUint16(0, 0x5a4d, true);
  else {
    view.setUint32(0, 0x464c_457f, true);
    view.setUint16(16, 3, true);
    view.setUint16(18, isArm ? 183 : 62, true);
  }
  change(view);
  return bytes;
}

const tagged = (tag: number) => library((view) => view.setUint8(63, tag));
const text = new TextEncoder().encode("# Read me, who am longer than a header of a library");

/** A folder to put things into, and where they are gathered. */
class Place implements AsyncDisposable {
  readonly lines: string[] = [];

  private constructor(readonly directory: string) {}

  static async make(): Promise<Place> {
    return new Place(await Deno.makeTempDir({ prefix: "raftlite-extensions-" }));
  }

  async put(name: string, bytes: Uint8Array): Promise<string> {
    const path = `${this.directory}/${name}`;
    await Deno.writeFile(path, bytes);
    return path;
  }

  async folder(name: string): Promise<string> {
    const path = `${this.directory}/${name}`;
    await Deno.mkdir(path);
    return path;
  }

  get staged(): string {
    return `${this.directory}/data/extensions`;
  }

  async gather(...paths: readonly string[]): Promise<string[]> {
    const logger: Logger = { log: (level, _, message) => this.lines.push(`${level} ${message}`) };
    const files = await gatherExtensions(paths, {
      directory: this.staged,
      logger,
      bytesMax: 0x10_0000,
    });
    const names = files.map(({ name }) => name);
    const there = await Array.fromAsync(Deno.readDir(this.staged), ({ name }) => name)
      .catch(() => []);
    assert.deepEqual(there.toSorted(), names.toSorted());
    return names;
  }

  async refused(...paths: readonly string[]): Promise<string> {
    try {
      await this.gather(...paths);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("It was taken");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("gatherExtensions takes files, directories, zip and tar.gz, in the order of their names", async () => {
  await using place = await Place.make();
  const folder = await place.folder("some");
  await Deno.mkdir(`${folder}/deeper`);
  await Deno.writeFile(`${folder}/deeper/no.so`, tagged(1));
  await Deno.writeFile(`${folder}/.hidden.so`, tagged(1));
  await Deno.writeFile(`${folder}/z.so`, tagged(2));
  await Deno.writeFile(`${folder}/README.md`, text);
  const elsewhere = await place.put("elsewhere", tagged(3));
  await Deno.symlink(elsewhere, `${folder}/linked.so`);
  const single = await place.put("m.so", tagged(4));
  const zipped = await place.put("some.so.1", zip([{ name: "b.so", bytes: tagged(5) }]));
  const packed = await place.folder("packed");
  await Deno.writeFile(`${packed}/c.so`, tagged(6));
  await tarGz(packed, ["./c.so"], `${place.directory}/c.tgz`);
  assert.deepEqual(
    await place.gather(folder, single, zipped, `${place.directory}/c.tgz`),
    ["b.so", "c.so", "linked.so", "m.so", "z.so"],
  );
  assert.deepEqual(place.lines, [`WARN README.md of ${folder} is left out: it is no library`]);
  // Nothing of an earlier start stays, and what is there can be named itself.
  assert.deepEqual(await place.gather(place.staged), ["b.so", "c.so", "linked.so", "m.so", "z.so"]);
  assert.deepEqual(await place.gather(single), ["m.so"]);
});

Deno.test("gatherExtensions leaves out what is no library for this machine, and says why", async () => {
  await using place = await Place.make();
  const isLinux = Deno.build.os === "linux";
  const files: readonly Content[] = [
    { name: "text.so", bytes: text },
    { name: "short.so", bytes: library().subarray(0, 4) },
    {
      name: "mac.dylib",
      bytes: new Uint8Array(64).fill(0).map((_, i) => [0xcf, 0xfa, 0xed, 0xfe][i] ?? 0),
    },
    { name: "other.so", bytes: library((view) => view.setUint16(18, 21, true)) },
    { name: "program", bytes: library((view) => view.setUint16(16, 2, true)) },
  ];
  const names = await place.gather(await place.put("all.zip", zip(files)));
  if (!isLinux) return;
  assert.deepEqual(names, []);
  assert.deepEqual(
    place.lines.map((line) => line.replace(/^WARN (\S+) of \S+ is left out: /, "$1: ")),
    [
      "text.so: it is no library",
      "short.so: it is no library",
      "mac.dylib: it is a library for another system",
      "other.so: it is a library for another processor",
      "program: it is no shared library",
    ],
  );
});

Deno.test("gatherExtensions writes nothing outside its directory, whatever names an archive has", async () => {
  await using place = await Place.make();
  const bytes = tagged(1);
  for (const name of ["../../evil.so", "/tmp/evil.so", "sub/a.so", "..\\evil.so", "C:\\evil.so"]) {
    const path = await place.put("a.zip", zip([{ name, bytes }]));
    assert.match(await place.refused(path), /^failed to load extensions from zip file: /, name);
  }
  for (const name of ["a b.so", "-a.so", "ä.so", "a\n.so", `${"n".repeat(65)}`]) {
    const path = await place.put("a.zip", zip([{ name, bytes }]));
    assert.match(await place.refused(path), /needs a name of letters, digits, dots/, name);
  }
  await place.put("a\nERROR forged", text);
  await tarGz(place.directory, ["a\nERROR forged"], `${place.directory}/forged.tgz`);
  assert.deepEqual(await place.gather(`${place.directory}/forged.tgz`), []);
  assert.match(place.lines.at(-1) ?? "", /^WARN "a\\nERROR forged" of .* is left out/);
  const link = zip([{
    name: "l.so",
    bytes: new TextEncoder().encode("/etc/passwd"),
    mode: 0o120777,
  }]);
  assert.deepEqual(await place.gather(await place.put("link.zip", link)), []);
  const folder = await place.folder("sub");
  await Deno.mkdir(`${folder}/inner`);
  await Deno.writeFile(`${folder}/inner/a.so`, bytes);
  await Deno.symlink("/etc/passwd", `${folder}/link.so`);
  const sub = `${place.directory}/sub.tgz`;
  await tarGz(folder, ["inner"], sub);
  assert.match(await place.refused(sub), /tar.gz file contains subdirectories/);
  await tarGz(folder, ["link.so"], sub);
  assert.deepEqual(await place.gather(sub), []);
  assert.match(place.lines.at(-1) ?? "", /link.so of .* is left out: it is no plain file/);
});

Deno.test("gatherExtensions refuses archives that are damaged, or much larger than they look", async () => {
  await using place = await Place.make();
  const zeros = { name: "a.so", bytes: new Uint8Array(0x10_0001) };
  const bomb = await place.put("bomb.zip", zip([zeros]));
  assert.match(await place.refused(bomb), /has more than 1048576 bytes unpacked/);
  const folder = await place.folder("bomb");
  await Deno.writeFile(`${folder}/a.so`, zeros.bytes);
  await tarGz(folder, ["a.so"], `${place.directory}/bomb.tgz`);
  assert.match(await place.refused(`${place.directory}/bomb.tgz`), /more than \d+ bytes unpacked/);
  const files = [{ name: "a.so", bytes: tagged(1) }];
  const plain = await place.put("plain.so", zeros.bytes);
  assert.match(await place.refused(plain), /plain.so cannot be read: it is too large/);
  const wrong = await place.put("wrong.zip", zip(files, { crc: 1 }));
  assert.match(await place.refused(wrong), /"a.so" is damaged/);
  const cut = await place.put("cut.zip", zip(files).subarray(0, 60));
  assert.match(await place.refused(cut), /^failed to load extensions from zip file: /);
  await Deno.writeFile(`${folder}/a.so`, tagged(1));
  await tarGz(folder, ["a.so"], `${place.directory}/cut.tgz`);
  const whole = await Deno.readFile(`${place.directory}/cut.tgz`);
  const half = await place.put("half.tgz", whole.subarray(0, whole.length / 2));
  assert.match(await place.refused(half), /^failed to load extensions from tar.gz file: /);
  assert.equal(await place.refused("/nosuch"), "extension path does not exist: /nosuch");
  if (Deno.build.os === "linux") {
    assert.match(await place.refused("/dev/zero"), /\/dev\/zero cannot be read: it is no file/);
  }
  const dangling = await place.folder("dangling");
  await Deno.symlink("/nosuch", `${dangling}/a.so`);
  assert.match(await place.refused(dangling), /dangling\/a.so cannot be read: No such file/);
});

Deno.test("gatherExtensions takes one name for one library only", async () => {
  await using place = await Place.make();
  const one = await place.put("one.zip", zip([{ name: "a.so", bytes: tagged(1) }]));
  const same = await place.put("same.zip", zip([{ name: "a.so", bytes: tagged(1) }]));
  const other = await place.put("other.zip", zip([{ name: "A.so", bytes: tagged(2) }]));
  assert.deepEqual(await place.gather(one, same), ["a.so"]);
  assert.match(
    await place.refused(one, other),
    /A.so of .*other.zip is another than that of .*one.zip/,
  );
  const many = Array.from({ length: 33 }, (_, i) => ({ name: `x${i}.so`, bytes: tagged(i) }));
  assert.match(
    await place.refused(await place.put("many.zip", zip(many))),
    /33 extensions are given, 32 may be/,
  );
});
