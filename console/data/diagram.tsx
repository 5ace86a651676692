import { rows } from "../api/client.ts";
import { Failure } from "../parts/dialog.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { layOut, type PlacedTable, type Reference } from "./diagram_layout.ts";
import { tableLink } from "./links.ts";

const box = { width: 190, height: 34, right: 90, below: 22 };
const referencesMax = 500;
const lettersMax = 23;

/** Tables and what they refer to, from right to left. */
export function Diagram() {
  const { value: references, failure } = useLoaded(readReferences);
  if (failure !== "") return <Failure text={failure} />;
  if (references === undefined || references.length === 0) return null;
  return (
    <section class="stack" aria-labelledby="diagram">
      <h2 id="diagram">References</h2>
      <div class="card card-body scroll-x">
        <Drawing references={references} />
      </div>
    </section>
  );
}

async function readReferences(): Promise<readonly Reference[]> {
  const found = await rows(
    `SELECT DISTINCT m.name, f."table" FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
     WHERE m.type = 'table' ORDER BY 1, 2 LIMIT ${referencesMax}`,
  );
  return found.map(([from, to]) => ({ from: String(from), to: String(to) }));
}

function Drawing({ references }: { readonly references: readonly Reference[] }) {
  const tables = layOut(references);
  const placed = new Map(tables.map((table) => [table.name, table]));
  const x = ({ level }: PlacedTable) => level * (box.width + box.right) + 1;
  const y = ({ place }: PlacedTable) => place * (box.height + box.below) + 1;
  const width = Math.max(...tables.map(x)) + box.width + 1;
  const height = Math.max(...tables.map(y)) + box.height + 1;
  return (
    <svg class="diagram" width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      {references.map(({ from, to }) => {
        const [one, other] = [placed.get(from), placed.get(to)];
        if (one === undefined || other === undefined || one === other) return null;
        const [startX, startY] = [x(one), y(one) + box.height / 2];
        const [endX, endY] = [x(other) + box.width, y(other) + box.height / 2];
        const bend = box.right / 2;
        return (
          <path
            key={`${from} ${to}`}
            d={`M${startX} ${startY}C${startX - bend} ${startY} ${
              endX + bend
            } ${endY} ${endX} ${endY}m8 -4l-8 4l8 4`}
          />
        );
      })}
      {tables.map((table) => (
        <a
          key={table.name}
          href={tableLink(table.name, "structure")}
          aria-label={`Structure of ${table.name}`}
        >
          <rect x={x(table)} y={y(table)} width={box.width} height={box.height} rx="7" />
          <text x={x(table) + 12} y={y(table) + 22}>
            {table.name.length > lettersMax ? `${table.name.slice(0, lettersMax)}…` : table.name}
          </text>
        </a>
      ))}
    </svg>
  );
}
