/** Icons of one stroke, drawn for this page; they say nothing that the text beside them does not. */
const paths = {
  cluster:
    "M12 8 6 17M12 8l6 9M7.5 18h9M12 3.5a2.300 2.300 0 1 0 0 4.600 2.300 2.300 0 0 0 0-4.600M5 16a2.300 2.300 0 1 0 0 4.600A2.300 2.300 0 0 0 5 16M19 16a2.300 2.300 0 1 0 0 4.600A2.300 2.300 0 0 0 19 16",
  data:
    "M4 6c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3Zm0 0v12c0 1.700 3.600 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3",
  sql: "m5 7 5 5-5 5M12.500 18H20",
  activity: "M3 12h4l3-8 4 16 3-8h4",
  changes: "M4 7h11m-3-3 3 3-3 3M20 17H9m3-3-3 3 3 3",
  backups: "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
  node: "M4 5h16v6H4zM4 13h16v6H4zM7.500 8h.01M7.500 16h.01",
  warning: "M12 4 2.500 20h19L12 4Zm0 6v4.500m0 2.700v.1",
  sun:
    "M12 7.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600 19 19M5 19l1.400-1.400M17.600 6.400 19 5",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500Z",
  close: "m6 6 12 12M18 6 6 18",
  up: "M12 19V5m-6 6 6-6 6 6",
  play: "M7 4.500v15l12-7.500z",
  stop: "M6 6h12v12H6z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11m-5-4 5 5 5-5M5 20h14",
  plus: "M12 5v14M5 12h14",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  star: "m12 4 2.500 5.200 5.500.8-4 4 1 5.600-5-2.700-5 2.700 1-5.600-4-4 5.500-.8z",
  back: "M19 12H5m6-6-6 6 6 6",
};

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.750"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
