/**
 * What runs before anything is drawn: little, since the first look waits for it. The frame that
 * stands in the page is drawn in the colours that somebody has chosen, and only then the rest is
 * run, which takes longer than to fetch it.
 */

import { keptTheme, showTheme } from "./parts/theme.ts";

showTheme(keptTheme());

/** By a name that the build does not look into: it makes that file by itself. */
const main = "./main.js";
const run = () => import(main);

addEventListener("DOMContentLoaded", () => {
  // Nothing is drawn of a tab that nobody sees.
  if (document.hidden) run();
  // A timer, since what is asked for before a frame runs before it is drawn.
  else requestAnimationFrame(() => setTimeout(run));
});
