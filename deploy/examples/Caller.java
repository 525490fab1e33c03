// Calls the tenant through the sidecar. Run: java Caller.java [base URL]
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

class Caller {
    static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static String base = System.getenv().getOrDefault("SIDECAR_URL", "http://127.0.0.1:8180");

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) base = arguments[0];
        String current = "/sidecar/v1/users/alice/session-token", tenant = "/api/v2/tenant/sso/session-token";
        // Unknown, dead or lost: there is no session.
        if (send(current, null, true).headers().firstValue("X-Sidecar-Error").orElse("").startsWith("SESSION_"))
            call("/api/v2/sdk/login", "{\"user_name\":\"alice\",\"password\":\"demo-password\"}");
        System.out.println("refreshed expire=" + member("expire", call(tenant + "/refresh", "{}")));
        System.out.printf("token %.4s...%n", call(current, null));
        System.out.printf("ticket %.4s...%n", member("sso_ticket", call(tenant + "/sso-ticket", "{}")));
    }

    /** A 503 that says when to come again is waited for, once. */
    static HttpResponse<String> send(String path, String body, boolean again) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofMinutes(1));
        request.header("X-Sidecar-User", "alice").header("Accept", "text/plain, application/json");
        if (body != null) request.header("Content-Type", "application/json").POST(BodyPublishers.ofString(body));
        var answer = CLIENT.send(request.build(), BodyHandlers.ofString());
        var wait = answer.headers().firstValueAsLong("Retry-After");
        if (answer.statusCode() != 503 || wait.isEmpty() || !again) return answer;
        Thread.sleep(1000 * wait.getAsLong());
        return send(path, body, false);
    }

    static String call(String path, String body) throws Exception {
        var answer = send(path, body, true);
        if (answer.statusCode() == 200) return answer.body();
        throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
    }

    /** The JDK reads no JSON; an application has a parser of its own for this. */
    static String member(String name, String json) {
        return json.split("\"" + name + "\":\\s*\"?")[1].split("[\",}]")[0];
    }
}
