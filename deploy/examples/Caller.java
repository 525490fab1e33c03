// Calls the tenant through the sidecar. Run: java Caller.java [base URL]
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

class Caller {
    static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static String base = System.getenv().getOrDefault("SIDECAR_URL", "http://127.0.0.1:8180");

    public static void main(String[] arguments) throws Exception {
        base = arguments.length > 0 ? arguments[0] : base;
        String current = "/sidecar/v1/users/alice/session-token", tenant = "/api/v2/tenant/sso/session-token";
        // Unknown, dead or lost: there is no session.
        if (send("GET", current, "").headers().firstValue("X-Sidecar-Error").orElse("").startsWith("SESSION_")) {
            call("POST", "/api/v2/sdk/login", "{\"user_name\":\"alice\",\"password\":\"demo-password\"}", "");
        }
        System.out.printf("refreshed expire=%s%n", call("POST", tenant + "/refresh", "{}", "expire"));
        System.out.printf("token %.4s...%n", call("GET", current, "", "session_token"));
        System.out.printf("ticket %.4s...%n", call("POST", tenant + "/sso-ticket", "{}", "sso_ticket"));
    }

    static HttpResponse<String> send(String method, String path, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(base + path)).method(method, BodyPublishers.ofString(body));
        request.header("X-Sidecar-User", "alice").header("Content-Type", "application/json");
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    /** Gives a member of the answer. The JDK reads no JSON; an application has a parser of its own for this. */
    static String call(String method, String path, String body, String member) throws Exception {
        var answer = send(method, path, body);
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body().replaceFirst(".*\"" + member + "\":\\s*\"?([^\",}]*).*", "$1");
    }
}
