import { ask } from "../api/client.ts";
import { parseExact } from "../api/exact.ts";
import { may, type Who } from "../api/session.ts";
import { JsonTree } from "../grid/value_view.tsx";
import { Failure } from "../parts/dialog.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { copy } from "../parts/save.ts";
import { BackupCard, RestoreCard } from "./backup.tsx";

/** Everything about this node that is no picture. */
export function NodePage({ who }: { readonly who: Who }) {
  const seesAll = who.tables === undefined;
  return (
    <>
      <div class="page-head">
        <h1>Node</h1>
      </div>
      {seesAll && (
        <div class="cards">
          {may(who, "backup") && <BackupCard />}
          {may(who, "load") && <RestoreCard />}
        </div>
      )}
      <Rights who={who} />
      {may(who, "status") && <Status />}
    </>
  );
}

function Rights({ who }: { readonly who: Who }) {
  const { users, user, token, permissions, tables } = who;
  return (
    <section class="card card-body stack" aria-labelledby="rights">
      <h2 id="rights">What you may do</h2>
      <p>
        {!users
          ? "This node has no users: everybody who reaches it may do everything (-auth changes that)."
          : user === null
          ? "You are not signed in, and may do what everybody may:"
          : `You are ${user}${token === undefined ? "" : `, by the token “${token}”`}, and may:`}
      </p>
      {users && (
        <ul class="row list">
          {permissions.map((name) => <li key={name} class="chip">{name}</li>)}
        </ul>
      )}
      {tables && (
        <p>
          Tables to read: {tables.read.join(", ") || "none"}; to write:{" "}
          {tables.write.join(", ") || "none"}.
        </p>
      )}
    </section>
  );
}

/** /status, folded. */
function Status() {
  const { value: text = "", failure, loadAnew } = useLoaded(async () =>
    await (await ask("/status?pretty")).text()
  );
  return (
    <section class="card card-body stack" aria-labelledby="status">
      <div class="row">
        <h2 id="status">Status</h2>
        <span class="row end">
          <button
            type="button"
            class="button quiet"
            onClick={() => copy(text)}
          >
            Copy
          </button>
          <button type="button" class="button quiet" onClick={loadAnew}>Load anew</button>
        </span>
      </div>
      <Failure text={failure} />
      {text !== "" && (
        <div class="status-tree">
          {Object.entries(parseExact(text) as object).map(([name, value]) => (
            <JsonTree key={name} name={name} value={value} />
          ))}
        </div>
      )}
    </section>
  );
}
