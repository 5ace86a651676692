import fc from "fast-check";

/** Another one each run; `RAFTLITE_FUZZ_SEED` repeats one. */
export const seed = Number(Deno.env.get("RAFTLITE_FUZZ_SEED") ?? Date.now() % 0x7fff_ffff);

/** A test that says, when it fails, which seed did it. */
export function test(name: string, body: () => void | Promise<void>): void {
  Deno.test(name, async () => {
    try {
      await body();
    } catch (error) {
      throw new Error(`With RAFTLITE_FUZZ_SEED=${seed}: ${error}`, { cause: error });
    }
  });
}

interface Change {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

/** Bytes changed, cut out or put in at some places. */
export const damage: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 4 },
);

export function damaged(bytes: Uint8Array, changes: readonly Change[]): Uint8Array<ArrayBuffer> {
  const list = [...bytes];
  for (const { at, remove, insert } of changes) {
    list.splice(at % (list.length + 1), remove, ...insert);
  }
  return new Uint8Array(list);
}
