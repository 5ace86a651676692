import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { whenRefused, whoami } from "./api/client.ts";
import { follow, type LiveState, nothingYet } from "./api/live.ts";
import { everybody, keepCredentials, may, type Who } from "./api/session.ts";
import { ActivityPage } from "./activity/page.tsx";
import { BackupsPage } from "./backups/page.tsx";
import { ChangesPage } from "./changes/page.tsx";
import { ClusterPage } from "./cluster/page.tsx";
import { DataPage } from "./data/page.tsx";
import { Frame, type Page } from "./frame.tsx";
import { NodePage } from "./node/page.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { SqlPage } from "./sql/page.tsx";
import { SignIn } from "./sign_in.tsx";

interface ListedPage extends Page {
  /** Whether somebody may see it. */
  readonly isFor: (who: Who) => boolean;
  readonly show: (shown: Shown) => ComponentChildren;
}

interface Shown {
  readonly who: Who;
  readonly live: LiveState;
  /** What stands behind the page in the address. */
  readonly rest: readonly string[];
}

/** The pages, in the order of the navigation. */
export const pages: readonly ListedPage[] = [
  {
    path: "cluster",
    title: "Cluster",
    icon: "cluster",
    isFor: (who) => may(who, "status"),
    show: ({ who, live }) => <ClusterPage live={live} who={who} />,
  },
  {
    path: "data",
    title: "Data",
    icon: "data",
    isFor: (who) => may(who, "query"),
    show: ({ who, rest: [table = "", tab = ""] }) => <DataPage {...{ who, table, tab }} />,
  },
  {
    path: "sql",
    title: "SQL",
    icon: "sql",
    isFor: (who) => may(who, "query") || may(who, "execute"),
    show: ({ who, rest: [given] }) => <SqlPage who={who} given={given} />,
  },
  {
    path: "changes",
    title: "Changes",
    icon: "changes",
    isFor: (who) => may(who, "query"),
    show: ({ who, rest: [table = ""] }) => <ChangesPage who={who} table={table} />,
  },
  {
    path: "activity",
    title: "Activity",
    icon: "activity",
    isFor: (who) => may(who, "status"),
    show: ({ who }) => <ActivityPage who={who} />,
  },
  {
    path: "backups",
    title: "Backups",
    icon: "backups",
    isFor: (who) => who.tables === undefined && (may(who, "backup") || may(who, "load")),
    show: ({ who }) => <BackupsPage who={who} />,
  },
  {
    path: "node",
    title: "Node",
    icon: "node",
    isFor: () => true,
    show: ({ who, rest: [tab = ""] }) => <NodePage who={who} tab={tab} />,
  },
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

/** The page; of a node that is open to all, nobody has to be asked who they are. */
export function App({ isOpen }: { readonly isOpen: boolean }) {
  const [who, setWho] = useState<Known>(isOpen ? everybody : undefined);
  const [failure, setFailure] = useState("");
  useLayoutEffect(() => {
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
    if (!isOpen) begin();
    return () => clearTimeout(timer);
  }, []);
  if (who) {
    return (
      <>
        <Inside who={who} setWho={setWho} />
        <Toasts />
      </>
    );
  }
  return (
    <Frame pages={[]} who={who}>
      {who === null ? <SignIn onSignedIn={setWho} /> : <p class="soft">{failure}</p>}
    </Frame>
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
      {current.show({ who, live, rest })}
    </Frame>
  );
}
