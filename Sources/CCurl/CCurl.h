// libcurl for Swift: its variadic calls under plain names, each named by what it is for.
//
// Nothing here keeps state, loops or starts threads. Every option that this program ever sets is set here, with the type that
// libcurl's own compile-time check expects.
#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>
#include <dlfcn.h>
#include <unistd.h>

/// Has every TLS record of the connections of `tls_context` (an `SSL_CTX`) shown to `saw`: direction, version, content type, bytes,
/// session, and `context`. libcurl may be built with another library than OpenSSL: its functions are looked for, and zero is returned
/// where there are none.
static inline int ccurl_watch_records(void *tls_context, void (*saw)(int, int, int, const void *, size_t, void *, void *),
                                      void *context) {
    void (*set_callback)(void *, void *) = (void (*)(void *, void *))dlsym(NULL, "SSL_CTX_set_msg_callback");
    long (*control)(void *, int, long, void *) = (long (*)(void *, int, long, void *))dlsym(NULL, "SSL_CTX_ctrl");
    if (set_callback == NULL || control == NULL) return 0;
    set_callback(tls_context, (void *)saw);
    control(tls_context, 16 /* SSL_CTRL_SET_MSG_CALLBACK_ARG */, 0, context);
    return 1;
}

/// Has whatever has come on connections of `tls_context` be taken from the system in one call instead of two for each TLS record.
/// Whoever reads has to ask `ccurl_pending` afterwards: what has been taken shows on no socket. Zero is returned where that is not
/// possible; nothing is changed then.
static inline int ccurl_read_ahead(void *tls_context) {
    long (*control)(void *, int, long, void *) = (long (*)(void *, int, long, void *))dlsym(NULL, "SSL_CTX_ctrl");
    if (control == NULL || dlsym(NULL, "SSL_has_pending") == NULL) return 0;
    control(tls_context, 41 /* SSL_CTRL_SET_READ_AHEAD */, 1, NULL);
    return 1;
}

/// Says of a TLS session whether it holds bytes that have been taken from the system and were not read.
typedef int (*ccurl_pending)(const void *session);

/// NULL where there is no such function.
static inline ccurl_pending ccurl_find_pending(void) { return (ccurl_pending)dlsym(NULL, "SSL_has_pending"); }

/// Who makes and closes the sockets of connections, and is shown the TLS context of each before its handshake.
static inline CURLcode ccurl_set_connection_observer(CURL *easy,
                                                     curl_socket_t (*wanted)(void *, curlsocktype, struct curl_sockaddr *),
                                                     int (*done)(void *, curl_socket_t),
                                                     CURLcode (*made)(CURL *, void *, void *), void *context) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, wanted)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, done)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, context)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, made)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, context);
}

/// The next transfer makes a connection of its own, whatever else was set.
static inline CURLcode ccurl_set_fresh(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L); }

/// Whether the connection of the transfer had served another one before.
static inline int ccurl_is_reused(CURL *easy) {
    long made = 1;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
    return made == 0;
}

/// The socket of the connection that the handle uses; CURL_SOCKET_BAD without one.
static inline curl_socket_t ccurl_active_socket(CURL *easy) {
    curl_socket_t found = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &found);
    return found;
}

/// The TLS session of the connection that the handle uses, to be compared and nothing else; NULL without one.
static inline void *ccurl_tls_session(CURL *easy) {
    struct curl_tlssessioninfo *info = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL) return NULL;
    return info->internals;
}

/// What holds for every transfer: only https (and http where it was allowed), nothing taken from the environment, nothing
/// decoded, followed, kept or added, no signals.
static inline CURLcode ccurl_apply_safe_defaults(CURL *easy, const char *protocols) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_PROXY, "")) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "")) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L)) != CURLE_OK) return code;
    // A resumed session is not verified again: whoever wants that says which ones; see `ccurl_set_sessions`.
    if ((code = curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L)) != CURLE_OK) return code;
    // What a proxy says to CONNECT is no answer of the tenant, and the tenant's fields are not for the proxy.
    if ((code = curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE)) != CURLE_OK) return code;
    // A changed address is seen in time.
    if ((code = curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 30L)) != CURLE_OK) return code;
    // A look-up of a name that is given up ends by itself, in its own thread: nobody waits for it.
    if ((code = curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L)) != CURLE_OK) return code;
    // Made and freed for every transfer: smaller than its default of 64 KiB.
    if ((code = curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

/// Certificate authorities in PEM, beside the system's own folder.
static inline CURLcode ccurl_set_authorities(CURL *easy, const char *file) {
    return curl_easy_setopt(easy, CURLOPT_CAINFO, file);
}

/// Leaves the system's authorities to its file alone where there is one: libcurl keeps what it has read only of a file, and would
/// read all of it for every connection while there is a folder as well.
static inline CURLcode ccurl_use_system_authorities(CURL *easy) {
    char *file = NULL;
    CURLcode code = curl_easy_getinfo(easy, CURLINFO_CAINFO, &file);
    if (code != CURLE_OK || file == NULL || access(file, R_OK) != 0) return code;
    return curl_easy_setopt(easy, CURLOPT_CAPATH, (char *)NULL);
}

/// Takes the system's own folder of authorities away.
static inline CURLcode ccurl_forget_system_authorities(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_CAPATH, (char *)NULL);
}

/// `CURL_SSLVERSION_…`
static inline CURLcode ccurl_set_tls_minimum(CURL *easy, long version) {
    return curl_easy_setopt(easy, CURLOPT_SSLVERSION, version);
}

/// A client certificate and its key, both PEM files.
static inline CURLcode ccurl_set_client_certificate(CURL *easy, const char *certificate, const char *key) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM")) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSLCERT, certificate)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM")) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_SSLKEY, key);
}

/// `sha256//base64`, several with semicolons.
static inline CURLcode ccurl_set_pinned_key(CURL *easy, const char *pins) {
    return curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pins);
}

/// `http://[user:password@]host:port`; always as a tunnel, so that the proxy sees nothing of a request.
static inline CURLcode ccurl_set_proxy(CURL *easy, const char *url) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_PROXY, url);
}

/// Lines `host:port:address`; the list has to live as long as the handle.
static inline CURLcode ccurl_set_addresses(CURL *easy, struct curl_slist *addresses) {
    return curl_easy_setopt(easy, CURLOPT_RESOLVE, addresses);
}

/// Connections that are older than so many seconds are not used again; zero: none of what there is now.
static inline CURLcode ccurl_set_oldest(CURL *easy, long seconds) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, seconds > 0 ? 0L : 1L)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, seconds);
}

/// Milliseconds until the connection, with its TLS handshake, has to stand.
static inline CURLcode ccurl_set_connect_timeout(CURL *easy, long milliseconds) {
    return curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
}

/// `CURL_HTTP_VERSION_…`
static inline CURLcode ccurl_set_http_version(CURL *easy, long version) {
    return curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
}

/// The handle connects, tunnels and verifies, and sends and reads nothing by itself: always on a connection of its own.
static inline CURLcode ccurl_set_connect_only(CURL *easy, CURLcode (*made)(CURL *, void *, void *)) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, made)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

/// Authorities that were read longer ago are read again.
static inline CURLcode ccurl_set_oldest_authorities(CURL *easy, long seconds) {
    return curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, seconds);
}

/// A place for TLS sessions, for one thread; NULL without memory. To be freed by `curl_share_cleanup`, which refuses while a handle
/// refers to it.
static inline CURLSH *ccurl_make_sessions(void) {
    CURLSH *sessions = curl_share_init();
    if (sessions == NULL) return NULL;
    if (curl_share_setopt(sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK) return sessions;
    curl_share_cleanup(sessions);
    return NULL;
}

/// New connections of the handle resume the TLS sessions that are kept there, and keep theirs there; the handle refers to it for good.
static inline CURLcode ccurl_set_sessions(CURL *easy, CURLSH *sessions) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SHARE, sessions);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 1L);
}

/// Bytes to the peer of a handle that is connected. CURLE_AGAIN when it takes none just now: then the same bytes have to come again.
static inline CURLcode ccurl_send(CURL *easy, const void *bytes, size_t count, size_t *sent) {
    return curl_easy_send(easy, bytes, count, sent);
}

/// Bytes from the peer. CURLE_AGAIN when there are none just now; none and CURLE_OK at its end.
static inline CURLcode ccurl_receive(CURL *easy, void *bytes, size_t count, size_t *received) {
    return curl_easy_recv(easy, bytes, count, received);
}

/// HTTP/1.1 was spoken in the last transfer.
static inline int ccurl_spoke_http1(CURL *easy) {
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_1_1;
}

static inline CURLcode ccurl_set_url(CURL *easy, const char *url) {
    return curl_easy_setopt(easy, CURLOPT_URL, url);
}

/// The list has to live until the transfer is over.
static inline CURLcode ccurl_set_header_lines(CURL *easy, struct curl_slist *lines) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
}

/// Where the answer goes. `context` comes back as the last argument of each call.
static inline CURLcode ccurl_set_receivers(CURL *easy, size_t (*head)(char *, size_t, size_t, void *),
                                           size_t (*body)(char *, size_t, size_t, void *),
                                           int (*about_to_send)(void *, char *, char *, int, int), void *context) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, context)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, context)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_send)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_PREREQDATA, context)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, context);
}

/// Back to a plain GET: takes out the method, body and source of an earlier transfer.
static inline CURLcode ccurl_forget_request(CURL *easy) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (void *)NULL)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, (curl_trailer_callback)NULL)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_NOBODY, 0L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, (char *)NULL);
}

/// The method's name as it is sent; the kind of request stays.
static inline CURLcode ccurl_set_method_name(CURL *easy, const char *name) {
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, name);
}

/// An answer without a body is expected.
static inline CURLcode ccurl_set_head_request(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
}

/// A body that is known whole; libcurl copies it.
static inline CURLcode ccurl_set_body(CURL *easy, const void *bytes, curl_off_t count) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_POST, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, count)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

/// A body that is read while it is sent; `count` is -1 when its length is not known. `trailers` makes a list of lines that libcurl
/// frees; it is asked at the end of a chunked body.
static inline CURLcode ccurl_set_body_source(CURL *easy, size_t (*source)(char *, size_t, size_t, void *),
                                             int (*trailers)(struct curl_slist **, void *), void *context,
                                             curl_off_t count) {
    CURLcode code;
    if ((code = curl_easy_setopt(easy, CURLOPT_TRAILERFUNCTION, trailers)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_TRAILERDATA, context)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, source)) != CURLE_OK) return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_READDATA, context)) != CURLE_OK) return code;
    return curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, count);
}

/// The context that `ccurl_set_receivers` was given.
static inline void *ccurl_context(CURL *easy) {
    char *context = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
    return context;
}

/// Lets many requests share one HTTP/2 connection, and keeps at most `idle` connections open.
static inline CURLMcode ccurl_configure_multi(CURLM *multi, long idle) {
    CURLMcode code;
    if ((code = curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX)) != CURLM_OK) return code;
    return curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, idle);
}

/// Whom libcurl tells which sockets it waits for (`CURL_POLL_…`), and for how many milliseconds.
static inline CURLMcode ccurl_set_wishes(CURLM *multi, int (*socket)(CURL *, curl_socket_t, int, void *, void *),
                                         int (*time)(CURLM *, long, void *), void *context) {
    CURLMcode code;
    if ((code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket)) != CURLM_OK) return code;
    if ((code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context)) != CURLM_OK) return code;
    if ((code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, time)) != CURLM_OK) return code;
    return curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

/// Moves what waits for a socket as far as it goes without waiting. Calls back.
static inline void ccurl_socket_ready(CURLM *multi, curl_socket_t socket, int reads, int writes) {
    int running;
    curl_multi_socket_action(multi, socket, (reads ? CURL_CSELECT_IN : 0) | (writes ? CURL_CSELECT_OUT : 0), &running);
}

/// Moves everything, whether or not something has come for it. Calls back.
static inline void ccurl_move_all(CURLM *multi) {
    int running;
    curl_multi_socket_all(multi, &running);
}

/// Moves what waits for time. Calls back.
static inline void ccurl_time_passed(CURLM *multi) {
    int running;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/// The next transfer that is over: its handle and result, or NULL when there is none.
static inline CURL *ccurl_next_finished(CURLM *multi, CURLcode *result) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}

#endif
