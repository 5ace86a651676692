import assert from "node:assert/strict";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** The browser of this machine; undefined where there is none. */
function browserPath(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const paths = names.flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  return paths.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = browserPath();
  assert(executablePath !== undefined, "There is no Chromium on this machine");
  // Where tests run as root there is no sandbox within a sandbox.
  return await chromium.launch({ executablePath, args: ["--no-sandbox"], timeout: hangMs });
}

/** Far longer than any of these tests takes on a busy machine. */
const hangMs = 600_000;

/** A test in a real browser: its name says so where there is none. */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  const ignore = browserPath() === undefined;
  Deno.test({
    name: `${name}${ignore ? " (left out: there is no chromium)" : ""}`,
    ignore,
    // The driver keeps its pipes and timers a moment longer than the browser.
    ...{ sanitizeOps: false, sanitizeResources: false },
    async fn() {
      const browser = await openBrowser();
      // What waits in the browser for ever, as behind a question of its own, fails when that ends.
      const late = setTimeout(() => browser.close(), hangMs);
      try {
        await fn(browser);
      } finally {
        clearTimeout(late);
        await browser.close();
      }
    },
  });
}

export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained of: errors, and whatever the policy kept from running. */
  readonly complaints: string[];
}

/** A page at an address, by itself: nothing of other tabs is in it. */
export async function openTab(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    // A node that is down, or refuses something, is what some tests are about.
    const isOfNetwork = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isOfNetwork) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** As somebody does it at the page that asks for a name and password. */
export async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Fails for whatever axe finds that keeps people out. */
export async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  // To look into sheets beforehand it would add some of its own, which the policy forbids.
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: axe.RunOptions): Promise<axe.AxeResults> };
    };
    // What fades in has other colours until it is there.
    const { document } = globalThis as unknown as {
      document: {
        getAnimations(): {
          effect: { getComputedTiming(): { endTime: number } } | null;
          finished: Promise<unknown>;
        }[];
      };
    };
    const passing = document.getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(passing.map(({ finished }) => finished));
    return (await axe.run({ preload: false })).violations.map(({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`
    );
  });
  assert.deepEqual(violations, []);
}
