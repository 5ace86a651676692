import { pages } from "./app.tsx";
import { Frame } from "./frame.tsx";

/**
 * What stands in the page before any script has run. A node with users says nothing beforehand of
 * what there is: that depends on who it is for.
 */
export function Still({ isOpen }: { readonly isOpen: boolean }) {
  return (
    <Frame pages={isOpen ? pages : []}>
      <noscript>
        <p>The console needs JavaScript.</p>
      </noscript>
    </Frame>
  );
}
