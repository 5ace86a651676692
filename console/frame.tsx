import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LiveState } from "./api/live.ts";
import type { Who } from "./api/session.ts";
import { Icon, type IconName } from "./parts/icons.tsx";
import { Mark } from "./parts/mark.tsx";

export interface Page {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
}

interface FrameProps {
  readonly pages: readonly Page[];
  readonly current: Page;
  readonly live: LiveState;
  readonly who: Who;
  /** Somebody, or somebody else, is to sign in. */
  readonly onSignIn: () => void;
  readonly children: ComponentChildren;
}

/** What stands around every page. */
export function Frame(
  { pages, current, live, who, onSignIn, children }: FrameProps,
) {
  const { cluster } = live;
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
        <nav aria-label="Pages">
          <ul class="nav">
            {pages.map(({ path, title, icon }) => (
              <li key={path}>
                <a
                  href={`#/${path}`}
                  aria-current={path === current.path ? "page" : undefined}
                >
                  <Icon name={icon} />
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-foot">
          {cluster && (
            <span class="row wide" title="The node that this page comes from">
              <span
                class={`dot ${live.failure === undefined ? "good" : "bad"}`}
                aria-hidden="true"
              />
              {cluster.node}
            </span>
          )}
          {who.users && (
            <span class="row">
              {who.user !== null && <span class="wide">{who.user}</span>}
              <button type="button" class="button quiet" onClick={onSignIn}>
                {who.user === null ? "Sign in" : "Sign out"}
              </button>
            </span>
          )}
          <ThemeSwitch />
        </div>
      </header>
      <main class="main" id="main" tabIndex={-1}>{children}</main>
    </div>
  );
}

const themeKey = "raftlite.theme";

/** The system's colours, or the other ones, as somebody has chosen on this machine. */
function ThemeSwitch() {
  const [theme, setTheme] = useState(keptTheme);
  useEffect(() => {
    if (theme === "") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
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

function keptTheme(): string {
  try {
    return localStorage.getItem(themeKey) ?? "";
  } catch {
    return "";
  }
}

function keepTheme(theme: string): void {
  try {
    localStorage.setItem(themeKey, theme);
  } catch {
    // It then holds until the page is left.
  }
}
