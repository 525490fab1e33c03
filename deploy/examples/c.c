// Calls the tenant through the sidecar. Build: cc -o caller c.c -lcurl. Run: ./caller [base URL]
#include <curl/curl.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char current[] = "/sidecar/v1/users/alice/session-token";
static CURL *curl;
static char text[65536];

// Status of one request for alice, its answer in text. A 503 that says when to come again is waited for, once.
static long ask(const char *path, const char *body, bool again) {
    long status = 0;
    curl_off_t wait = 0;
    FILE *sink = fmemopen(text, sizeof text, "w");
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, path);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (body) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    fclose(sink);
    if (code != CURLE_OK) errx(1, "%s: %s", path, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait);
    if (status == 503 && again && wait > 0 && sleep(wait) == 0) return ask(path, body, false);
    return status;
}

// What follows the mark in the answer (C has no JSON parser). Any status but 200 ends the program.
static const char *call(const char *path, const char *body, const char *mark) {
    long status = ask(path, body, true);
    if (status != 200) errx(1, "%s: %ld %s", path, status, text);
    const char *found = strstr(text, mark);
    return found ? found + strlen(mark) : "";
}

int main(int count, char **arguments) {
    const char *base = count > 1 ? arguments[1] : getenv("SIDECAR_URL");
    struct curl_slist *fields = curl_slist_append(NULL, "X-Sidecar-User: alice");
    curl_slist_append(fields, "Content-Type: application/json");
    curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, base ? base : "http://127.0.0.1:8180");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    // Unknown, dead or lost: there is no session.
    if (ask(current, NULL, true) != 200 && strstr(text, "\"SIDECAR.SESSION_"))
        call("/api/v2/sdk/login", "{\"user_name\":\"alice\",\"password\":\"demo-password\"}", "");
    printf("refreshed expire=%ld\n", atol(call("/api/v2/tenant/sso/session-token/refresh", "{}", "\"expire\":")));
    printf("token %.4s...\n", call(current, NULL, "\"session_token\":\""));
    printf("ticket %.4s...\n", call("/api/v2/tenant/sso/session-token/sso-ticket", "{}", "\"sso_ticket\":\""));
}
