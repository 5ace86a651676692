const key = "raftlite.theme";

/** The colours that somebody has chosen on this machine; "" for the system's. */
export function keptTheme(): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

export function keepTheme(theme: string): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // It then holds until the page is left.
  }
}

export function showTheme(theme: string): void {
  if (theme === "") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
