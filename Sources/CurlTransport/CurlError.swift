// What a libcurl result means to the sidecar.

internal import CCurl
internal import Model

/// libcurl's result codes as reasons (contract 4).
enum CurlError {
    /// - Parameters:
    ///   - code: not `CURLE_OK`.
    ///   - maybeSent: whether libcurl had a connection and began to send.
    static func reason(_ code: CURLcode, maybeSent: Bool) -> TransportError.Reason {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT: .unreachable
        case CURLE_OPERATION_TIMEDOUT: maybeSent ? .timeout : .connectTimeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CRL_BADFILE,
            CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_READ_ERROR: .requestBody
        // Once something is sent, "unsupported protocol" is an answer that is no HTTP.
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_UNSUPPORTED_PROTOCOL:
            maybeSent ? .broken : .closed
        default: .broken
        }
    }
}
