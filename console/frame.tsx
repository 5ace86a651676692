import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type LiveState, nothingYet } from "./api/live.ts";
import { may, type Who } from "./api/session.ts";
import { Icon, type IconName } from "./parts/icons.tsx";
import { Mark } from "./parts/mark.tsx";
import { keepTheme, keptTheme, showTheme } from "./parts/theme.ts";

export interface Page {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
}

interface FrameProps {
  readonly pages: readonly Page[];
  /** Undefined where there is no page: it is not known yet who it is for. */
  readonly current?: Page | undefined;
  readonly live?: LiveState;
  /** Undefined as long as it is not known, null for somebody who is to sign in. */
  readonly who?: Who | null | undefined;
  /** Somebody, or somebody else, is to sign in. */
  readonly onSignIn?: () => void;
  readonly children?: ComponentChildren;
}

/** What stands around every page, and before there is one. */
export function Frame(
  { pages, current, live = nothingYet, who, onSignIn, children }: FrameProps,
) {
  const { cluster, failure } = live;
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        To the content
      </a>
      <header class="side">
        <a class="brand" href={`#/${pages[0]?.path ?? ""}`}>
          <Mark />
          raftlite
        </a>
        {pages.length > 0 && (
          <nav aria-label="Pages">
            <ul class="nav">
              {pages.map(({ path, title, icon }) => (
                <li key={path}>
                  <a
                    href={`#/${path}`}
                    aria-current={path === current?.path ? "page" : undefined}
                  >
                    <Icon name={icon} />
                    {title}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        )}
        <div class="side-foot">
          {who && may(who, "status") && (
            <span class="row wide" title="The node that this page comes from">
              <span
                class={`dot ${cluster === undefined ? "" : failure === undefined ? "good" : "bad"}`}
                aria-hidden="true"
              />
              {cluster?.node ?? "…"}
            </span>
          )}
          {who?.users && (
            <span class="row">
              {who.user !== null && <span class="wide">{who.user}</span>}
              <button type="button" class="button quiet" onClick={onSignIn}>
                {who.user === null ? "Sign in" : "Sign out"}
              </button>
            </span>
          )}
          {who !== undefined && <ThemeSwitch />}
        </div>
      </header>
      <main class="main" id="main" tabIndex={-1}>{children}</main>
    </div>
  );
}

/** The system's colours, or the other ones, as somebody has chosen on this machine. */
function ThemeSwitch() {
  const [theme, setTheme] = useState(keptTheme);
  useEffect(() => showTheme(theme), [theme]);
  const isDark = theme === "dark" ||
    (theme === "" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <button
      type="button"
      class="button quiet"
      aria-label={isDark ? "Light colours" : "Dark colours"}
      title={isDark ? "Light colours" : "Dark colours"}
      onClick={() => {
        const next = isDark ? "light" : "dark";
        keepTheme(next);
        setTheme(next);
      }}
    >
      <Icon name={isDark ? "sun" : "moon"} />
    </button>
  );
}
