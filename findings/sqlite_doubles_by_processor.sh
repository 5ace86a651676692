#!/bin/sh
# One SQLite stores other doubles on another processor, and two versions store other ones of one text.
# 1. sin(), exp(), ln(), pow() and the like are the C library's. glibc has other code for a processor
#    with FMA than for one without (a virtual machine of type qemu64 or kvm64): equal SQLite on equal
#    systems then differs in the last bit. Its tunables hide FMA here.
# 2. CAST('40.998583' AS REAL), the same for a literal: 3.42.0 reads a double that is not the nearest, as it
#    rounds twice, by way of long double; 3.43.2 and later are right.
# Whoever replicates SQL to several SQLites, or keeps an index on sin(x) and moves the file, gets two
# databases, or one that integrity_check finds wrong.
# Seen 2026-11-29 with PyPI's apsw, glibc 2.36 and x86-64 with FMA.
# Needs Python with venv, glibc, x86-64 with FMA. Ends with 1 when it behaves otherwise.
set -eu
grep -qw fma /proc/cpuinfo || { echo "This processor has no FMA: nothing to show"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
install() {
  python3 -m venv "$folder/$1"
  "$folder/$1/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "apsw==$1"
}
cat > "$folder/values.py" <<'EOF'
import apsw
db = apsw.Connection(":memory:")
expressions = ["sin(i * 0.37)", "cos(i * 0.37)", "exp(i * 0.0337)", "ln(i * 0.37)", "pow(i, 0.37)"]
for expression in expressions:
    rows = db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        f"SELECT {expression} FROM n")
    for row in rows:
        print(expression, repr(row[0]))
EOF
cat > "$folder/text.py" <<'EOF'
import apsw
db = apsw.Connection(":memory:")
print(next(db.execute("SELECT CAST('40.998583' AS REAL)"))[0].hex())
EOF
install 3.53.2.0
install 3.42.0.1
failed=0

"$folder/3.53.2.0/bin/python" "$folder/values.py" > "$folder/with"
GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4 "$folder/3.53.2.0/bin/python" "$folder/values.py" > "$folder/without"
echo "Of 20,000 arguments, with another double on a processor without FMA:"
diff "$folder/with" "$folder/without" | sed -n 's/^< \([a-z]*\)(.*/\1/p' | sort | uniq -c
cmp -s "$folder/with" "$folder/without" && failed=1

new=$("$folder/3.53.2.0/bin/python" "$folder/text.py")
old=$("$folder/3.42.0.1/bin/python" "$folder/text.py")
echo "CAST('40.998583' AS REAL): $old in 3.42.0, $new in 3.53.2"
[ "$old" != "$new" ] || failed=1
[ $failed = 0 ] || echo "Changed"
exit $failed
