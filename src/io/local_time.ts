/** Has the C library take UTC for this process's local time. */
export function useUtc(): void {
  Deno.env.set("TZ", "UTC");
}
