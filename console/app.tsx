import { useEffect, useState } from "preact/hooks";
import { whenRefused, whoami } from "./api/client.ts";
import { follow, type LiveState, nothingYet } from "./api/live.ts";
import { keepCredentials, may, type Who } from "./api/session.ts";
import { ActivityPage } from "./activity/page.tsx";
import { ClusterPage } from "./cluster/page.tsx";
import { DataPage } from "./data/page.tsx";
import { Frame, type Page } from "./frame.tsx";
import { NodePage } from "./node/page.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { SqlPage } from "./sql/page.tsx";
import { SignIn } from "./sign_in.tsx";

const pages: readonly Page[] = [
  {
    path: "cluster",
    title: "Cluster",
    icon: "cluster",
    isFor: (who) => may(who, "status"),
  },
  { path: "data", title: "Data", icon: "data", isFor: (who) => may(who, "query") },
  {
    path: "sql",
    title: "SQL",
    icon: "sql",
    isFor: (who) => may(who, "query") || may(who, "execute"),
  },
  { path: "activity", title: "Activity", icon: "activity", isFor: (who) => may(who, "status") },
  { path: "node", title: "Node", icon: "node", isFor: () => true },
];

/** Where the page is, by what stands behind the # of its address. */
function useRoute(): readonly string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").map(decode);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Undefined: nobody has said yet; null: somebody has to sign in. */
type Known = Who | null | undefined;

export function App() {
  const [who, setWho] = useState<Known>(undefined);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    const take = (found: Who) => {
      const isNobody = found.users && found.user === null;
      if (isNobody) keepCredentials(undefined);
      // Who was somebody before is asked again; who never was has what everybody may.
      setWho((before) =>
        isNobody && (found.permissions.length === 0 || before?.user) ? null : found
      );
    };
    whenRefused(take);
    let timer: ReturnType<typeof setTimeout>;
    const begin = () =>
      whoami().then((found) => {
        setFailure("");
        take(found);
      }, (error) => {
        setFailure(error.message);
        timer = setTimeout(begin, 2_000);
      });
    begin();
    return () => clearTimeout(timer);
  }, []);
  if (who === undefined) {
    return (
      <main class="sign-in">
        <p class="soft">{failure}</p>
      </main>
    );
  }
  if (who === null) return <SignIn onSignedIn={setWho} />;
  return (
    <>
      <Inside who={who} setWho={setWho} />
      <Toasts />
    </>
  );
}

function Inside(
  { who, setWho }: { readonly who: Who; readonly setWho: (who: Known) => void },
) {
  const [live, setLive] = useState(nothingYet);
  const [path = "", ...rest] = useRoute();
  const watches = may(who, "status");
  useEffect(() => {
    if (!watches) return;
    const end = new AbortController();
    follow(end.signal, setLive);
    return () => end.abort();
  }, [who]);
  const shown = pages.filter(({ isFor }) => isFor(who));
  const current = shown.find((page) => page.path === path) ?? shown[0];
  useEffect(() => {
    const node = live.cluster?.node;
    document.title = [current?.title, node, "raftlite"].filter(Boolean).join(
      " · ",
    );
  }, [current, live.cluster?.node]);
  if (current === undefined) return null;
  return (
    <Frame
      {...{ pages: shown, current, live, who }}
      onSignIn={() => {
        keepCredentials(undefined);
        setWho(null);
      }}
    >
      <Content path={current.path} rest={rest} live={live} who={who} />
    </Frame>
  );
}

interface ContentProps {
  readonly path: string;
  /** What stands behind the page in the address. */
  readonly rest: readonly string[];
  readonly live: LiveState;
  readonly who: Who;
}

function Content({ path, rest, live, who }: ContentProps) {
  switch (path) {
    case "data":
      return <DataPage who={who} table={rest[0] ?? ""} tab={rest[1] ?? ""} />;
    case "activity":
      return <ActivityPage who={who} />;
    case "node":
      return <NodePage who={who} />;
    case "sql":
      return <SqlPage who={who} given={rest[0]} />;
    default:
      return <ClusterPage live={live} who={who} />;
  }
}
