import { ask } from "../api/client.ts";
import { parseExact } from "../api/exact.ts";
import { may, type Who } from "../api/session.ts";
import { JsonTree } from "../grid/value_view.tsx";
import { Failure } from "../parts/dialog.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { copy } from "../parts/save.ts";
import { AuditLines } from "./audit.tsx";
import { Flags } from "./flags.tsx";
import { Log } from "./log.tsx";

const tabs = [
  { path: "", title: "Overview", isFor: () => true },
  { path: "configuration", title: "Configuration", isFor: (who: Who) => may(who, "status") },
  {
    path: "log",
    title: "Log",
    isFor: (who: Who) => may(who, "status", "query") && who.tables === undefined,
  },
  {
    path: "audit",
    title: "Audit",
    isFor: (who: Who) => may(who, "status", "leader-ops") && who.tables === undefined,
  },
];

interface NodePageProps {
  readonly who: Who;
  /** Of the page's address. */
  readonly tab: string;
}

/** Everything about this node that is no picture. */
export function NodePage({ who, tab }: NodePageProps) {
  const permitted = tabs.filter(({ isFor }) => isFor(who));
  const shown = permitted.some(({ path }) => path === tab) ? tab : "";
  return (
    <>
      <div class="page-head">
        <h1>Node</h1>
        <nav class="row end" aria-label="Of this node">
          {permitted.map(({ path, title }) => (
            <a
              key={path}
              class="button"
              href={path === "" ? "#/node" : `#/node/${path}`}
              aria-current={path === shown ? "page" : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
      </div>
      {shown === "" && <Rights who={who} />}
      {shown === "" && may(who, "status") && <Status />}
      {shown === "configuration" && <Flags />}
      {shown === "log" && <Log />}
      {shown === "audit" && <AuditLines />}
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
