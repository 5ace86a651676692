/** The sign of the program: three nodes. */
export function Mark() {
  return (
    <svg
      class="mark"
      viewBox="0 0 32 32"
      width="28"
      height="28"
      aria-hidden="true"
    >
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" stroke-width="2">
        <path d="M16 11 9 21M16 11l7 10M9.500 22h13" />
      </g>
      <g fill="var(--on-accent)">
        <circle cx="16" cy="9.500" r="3.700" />
        <circle cx="8.500" cy="22" r="3.200" />
        <circle cx="23.500" cy="22" r="3.200" />
      </g>
    </svg>
  );
}
