// Calls the tenant through the sidecar. Build: cc -o caller c.c -lcurl. Run: ./caller [base URL]
#include <curl/curl.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What follows the mark in the answer (C has no JSON parser), or nothing. A refusal without the mark ends the program.
static const char *call(CURL *curl, const char *path, const char *body, const char *mark) {
    static char text[65536];
    long status = 0;
    FILE *sink = fmemopen(text, sizeof text, "w");
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, path);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (body) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    fclose(sink);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    const char *found = strstr(text, mark);
    if (code || (status != 200 && !found)) errx(1, "%s: %ld %s", path, status, code ? curl_easy_strerror(code) : text);
    return found ? found + strlen(mark) : "";
}

int main(int count, char **arguments) {
    const char *base = count > 1 ? arguments[1] : getenv("SIDECAR_URL");
    const char *current = "/sidecar/v1/users/alice/session-token";
    struct curl_slist *fields = curl_slist_append(NULL, "X-Sidecar-User: alice");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, base ? base : "http://127.0.0.1:8180");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, curl_slist_append(fields, "Content-Type: application/json"));
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    // Unknown, dead or lost: there is no session.
    if (*call(curl, current, NULL, "\"SIDECAR.SESSION_"))
        call(curl, "/api/v2/sdk/login", "{\"user_name\":\"alice\",\"password\":\"demo-password\"}", "\"expire\":");
    printf("refreshed expire=%ld\n", atol(call(curl, "/api/v2/tenant/sso/session-token/refresh", "{}", "\"expire\":")));
    printf("token %.4s...\n", call(curl, current, NULL, "\"session_token\":\""));
    printf("ticket %.4s...\n", call(curl, "/api/v2/tenant/sso/session-token/sso-ticket", "{}", "\"sso_ticket\":\""));
}
