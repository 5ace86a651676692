import { takeProfile } from "../../src/sqlite/mod.ts";
import { library } from "./fixture.ts";

// Prints the profile of this process's SQLite.
console.log(JSON.stringify(await takeProfile(library)));
