import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** Writes and reads with the HttpClient of the JDK, with nothing set. Its argument is the address. */
public class DefaultClient {
  public static void main(String[] arguments) throws Exception {
    String statement = "[\"DELETE FROM t\"]";
    String large = statement + " ".repeat(300_000);
    HttpClient client = HttpClient.newHttpClient();
    int answered = 0;
    for (int round = 0; round < 4; round++) {
      BodyPublisher[] bodies = {
        BodyPublishers.ofString(statement),
        BodyPublishers.ofString(large),
        // Of no length known, in chunks.
        BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(statement.getBytes())),
      };
      for (BodyPublisher body : bodies) {
        expect200(client, request(arguments[0] + "/db/execute").POST(body).build());
        answered++;
      }
      expect200(client, request(arguments[0] + "/db/query?q=SELECT+1").build());
      answered++;
    }
    System.out.println(answered + " requests answered");
  }

  private static HttpRequest.Builder request(String url) {
    return HttpRequest.newBuilder(URI.create(url)).header("Content-Type", "application/json");
  }

  private static void expect200(HttpClient client, HttpRequest request) throws Exception {
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    if (response.statusCode() == 200 && response.body().startsWith("{\"results\":[")) return;
    throw new Exception(request + ": " + response.statusCode() + " " + response.body());
  }
}
