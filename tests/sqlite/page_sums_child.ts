/**
 * Writes a database with sums of its pages until it is killed, and says a line for each checkpoint:
 * page_sums_child.ts PATH SEED
 */
import { Prng } from "../../src/base/prng.ts";
import { PageSums } from "../../src/sqlite/mod.ts";
import { library, open } from "./page_sums_fixture.ts";

const [path = "", seed = "0"] = Deno.args;
const random = new Prng(BigInt(seed));
const sums = PageSums.begin(library, path, undefined);
using database = open(path);
database.exec("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v)");
console.log(`known ${sums?.known}`);
for (;;) {
  for (let i = 0; i < 1 + random.below(20); i++) {
    database.exec("INSERT OR REPLACE INTO t VALUES (abs(random()) % 2000, hex(randomblob(300)))");
    if (random.below(10) === 0) database.exec("DELETE FROM t WHERE id % 5 = abs(random()) % 5");
  }
  if (random.below(40) === 0) database.exec("VACUUM");
  database.checkpoint("passive");
  console.log("checkpoint");
}
