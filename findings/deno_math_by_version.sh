#!/bin/sh
# Math's functions are no ground to build equal databases, hashes or tests on: V8 gives other doubles
# in nearly all of them from one Deno to the next, and takes some from the C library, which has other
# code for a processor without FMA. ECMAScript leaves it open ("implementation-approximated").
# Seen 2026-11-29 with npm's deno 2.6.0 (V8 14.2) and 2.9.6 (V8 15.0) on x86-64 with FMA:
# - sin, cos, tan, exp, log, log2, log10, log1p, expm1, asin, acos, atan, sinh, cosh, asinh, acosh,
#   atanh and cbrt differ between the two versions for some of 100,000 arguments; pow does not;
# - within 2.9.6, pow and tanh differ with the processor (glibc's tunables hide FMA here);
# - Math.atan2(-5e-324, 2) lost its sign: -0 in 2.6.0, 0 in 2.9.6.
# Needs node, npm, glibc, x86-64 with FMA. Ends with 1 when it behaves otherwise.
set -eu
grep -qw fma /proc/cpuinfo || { echo "This processor has no FMA: nothing to show"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/digests.js" <<'EOF'
const names = ["sin", "cos", "tan", "exp", "log", "log2", "log10", "log1p", "expm1", "asin", "acos", "atan",
  "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cbrt"];
let state = 1;
const unit = () => (state = Math.imul(state, 1664525) + 1013904223 | 0) / 2 ** 32 + 0.5;
const xs = Array.from({ length: 100_000 }, (_, i) => i % 2 ? unit() * 2 - 1 : unit() * 200);
async function digest(values) {
  const bytes = new Uint8Array(Float64Array.from(values, (x) => Number.isNaN(x) ? -1 : x).buffer);
  return new DataView(await crypto.subtle.digest("SHA-256", bytes)).getUint32(0).toString(16);
}
for (const name of names) console.log(name, await digest(xs.map((x) => Math[name](x))));
console.log("pow", await digest(xs.map((x, i) => Math.pow(Math.abs(x), i % 40 - 20.5))));
console.log("atan2 sign", Object.is(Math.atan2(-5e-324, 2), -0));
EOF
run() {
  "$folder/$1/node_modules/.bin/deno" run "$folder/digests.js"
}
for version in 2.6.0 2.9.6; do
  mkdir "$folder/$version"
  npm install --silent --no-fund --no-audit --prefix "$folder/$version" "deno@$version" > "$folder/npm.log" 2>&1 || {
    cat "$folder/npm.log"
    exit 2
  }
  run $version > "$folder/$version.txt"
done
GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4 run 2.9.6 > "$folder/without.txt"
names() {
  diff "$1" "$2" | sed -n 's/^< \([a-z0-9]*\).*/\1/p' | tr '\n' ' '
}
versions=$(names "$folder/2.6.0.txt" "$folder/2.9.6.txt")
processors=$(names "$folder/2.9.6.txt" "$folder/without.txt")
echo "Other doubles in 2.9.6 than in 2.6.0: $versions"
echo "Other doubles in 2.9.6 on a processor without FMA: $processors"
failed=0
case $versions in *sin*exp*log*atan2*) ;; *) failed=1 ;; esac
case $processors in *tanh*pow*) ;; *) failed=1 ;; esac
[ $failed = 0 ] || echo "Changed"
exit $failed
