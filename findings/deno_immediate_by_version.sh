#!/bin/sh
# node:timers' setImmediate in Deno: before 2.6 a turn by it takes as long as the shortest timer, over
# a millisecond, as if it were one; since then a few microseconds, as in Node. Whoever gathers what
# comes in one turn of the event loop makes each of them wait for that.
# Seen 2026-11-30 with npm's deno, 200 turns each: 2.4.2 and 2.5.6 took 1.0 times as long as by
# setTimeout(0), 2.6.8, 2.8.3 and 2.9.6 less than a hundredth of that.
# Needs npm. Ends with 1 when a version behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/turns.ts" <<'EOF'
import { setImmediate } from "node:timers";
async function time(turn: (resolve: () => void) => void): Promise<number> {
  const start = performance.now();
  for (let count = 0; count < 200; count++) await new Promise<void>(turn);
  return performance.now() - start;
}
const ratio = await time((resolve) => setImmediate(resolve)) / await time((resolve) => setTimeout(resolve, 0));
console.log(ratio > 0.5 ? "as a timer" : ratio < 0.2 ? "at once" : "in between");
EOF
failed=0
expect() {
  mkdir "$folder/$1"
  npm install --silent --no-fund --no-audit --prefix "$folder/$1" "deno@$1" > "$folder/npm.log" 2>&1 || {
    cat "$folder/npm.log"
    exit 2
  }
  seen=$("$folder/$1/node_modules/.bin/deno" run -A "$folder/turns.ts")
  echo "Deno $1: $seen"
  [ "$seen" = "$2" ] || failed=1
}
expect 2.4.2 "as a timer"
expect 2.5.6 "as a timer"
expect 2.6.8 "at once"
expect 2.9.6 "at once"
[ $failed = 0 ] || echo "Changed"
exit $failed
