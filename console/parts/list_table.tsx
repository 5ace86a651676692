import type { ComponentChildren } from "preact";

interface ListTableProps {
  /** What it lists, for who does not see it. */
  readonly label: string;
  readonly heads: readonly string[];
  /** Its rows. */
  readonly children: ComponentChildren;
}

/** A long list in a table, whose cells stand below each other where there is little room. */
export function ListTable({ label, heads, children }: ListTableProps) {
  return (
    <div class="card scroll-x" role="region" aria-label={label} tabIndex={0}>
      <table class="plain-table stacks">
        <thead>
          <tr>
            {heads.map((head) => <th key={head} scope="col">{head}</th>)}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
