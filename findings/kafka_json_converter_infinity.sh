#!/bin/sh
# Kafka Connect's JsonConverter, with schemas: a double that is infinite, or not a number, is written
# as the text "Infinity" or "NaN", as JSON has no number for it, and the same converter reads that
# back as 0.0, without an error. -0.0 comes back as 0.0. So a row that a connector took from a
# database by way of it is another in the sink.
# Seen 2026-11-29 with org.apache.kafka:connect-json 3.9.1 under OpenJDK 17.
# Needs a JDK of 17 or later, and Maven. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/pom.xml" <<'EOF'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>connect-json</artifactId>
      <version>3.9.1</version>
    </dependency>
  </dependencies>
</project>
EOF
mvn -q -f "$folder/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/lib" \
  > "$folder/mvn.log" 2>&1 || {
  cat "$folder/mvn.log"
  exit 2
}
cat > "$folder/Ask.java" <<'EOF'
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.json.JsonConverter;

public class Ask {
  public static void main(String[] args) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", "true", "converter.type", "value"));
    double[] values = {1.5, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN, -0.0};
    for (double value : values) {
      byte[] json = converter.fromConnectData("topic", Schema.FLOAT64_SCHEMA, value);
      String text = new String(json).replaceAll(".*\"payload\":", "").replaceAll("}$", "");
      System.out.println(value + " as " + text + " is " + converter.toConnectData("topic", json).value());
    }
  }
}
EOF
seen=$(java -cp "$folder/lib/*" "$folder/Ask.java" 2> "$folder/java.log") || {
  cat "$folder/java.log"
  exit 2
}
echo "$seen"
expected='1.5 as 1.5 is 1.5
Infinity as "Infinity" is 0.0
-Infinity as "-Infinity" is 0.0
NaN as "NaN" is 0.0
-0.0 as -0.0 is 0.0'
if [ "$seen" != "$expected" ]; then
  echo "Changed"
  exit 1
fi
