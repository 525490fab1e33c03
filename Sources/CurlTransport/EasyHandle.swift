// One libcurl easy handle: how a request is put into it.

internal import CCurl
internal import Model

/// A handle that is used for one request after another. Every option that a request sets is set by `prepare` for every request,
/// so that nothing of one user's request is left for the next.
@safe struct EasyHandle {
    let raw: UnsafeMutableRawPointer

    /// Nil when libcurl refuses a setting or has no memory. Loop, like everything here.
    /// - Parameters:
    ///   - addresses: the lines of `SIDECAR_RESOLVE`; they outlive the handle.
    ///   - book: outlives the handle and its connections.
    init?(_ settings: CurlSettings, addresses: HeaderList, book: ConnectionBook) {
        guard let raw = unsafe curl_easy_init() else { return nil }
        unsafe self.raw = raw
        let version =
            switch settings.version {
            case .auto: CURL_HTTP_VERSION_2TLS
            case .http1: CURL_HTTP_VERSION_1_1
            case .http2: CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
            }
        var results = unsafe [
            ccurl_apply_safe_defaults(raw, settings.origin.scheme),
            ccurl_set_http_version(raw, version),
            ccurl_set_connect_timeout(raw, Int(clamping: settings.connectTimeout.wholeMilliseconds)),
            ccurl_set_tls_minimum(
                raw, Int(settings.tlsMinimum == .v13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2)),
            ccurl_set_connection_observer(
                raw, socketWanted, socketDone, connectionMade, Unmanaged.passUnretained(book).toOpaque()),
        ]
        if let authorities = settings.authorities {
            unsafe results.append(ccurl_set_authorities(raw, authorities))
        } else {
            unsafe results.append(ccurl_use_system_authorities(raw))
        }
        if !settings.usesSystemAuthorities { unsafe results.append(ccurl_forget_system_authorities(raw)) }
        if let (certificate, key) = settings.clientCertificate {
            unsafe results.append(ccurl_set_client_certificate(raw, certificate, key))
        }
        if let pins = settings.pinnedKeys { unsafe results.append(ccurl_set_pinned_key(raw, pins)) }
        if let proxy = settings.proxy { unsafe results.append(ccurl_set_proxy(raw, proxy)) }
        if unsafe addresses.head != nil { unsafe results.append(ccurl_set_addresses(raw, addresses.head)) }
        guard results.allSatisfy({ $0 == CURLE_OK }) else {
            unsafe curl_easy_cleanup(raw)
            return nil
        }
    }

    /// The address of the TLS session of the connection in use; 0 without one.
    var session: UInt { UInt(bitPattern: unsafe ccurl_tls_session(raw)) }

    /// The socket of the connection that was made; negative without one.
    var socket: Int { Int(unsafe ccurl_active_socket(raw)) }

    /// Whether the connection in use has served another transfer.
    var isReused: Bool { unsafe ccurl_is_reused(raw) != 0 }

    /// Whatever there is, the transfer makes a connection of its own.
    /// - Returns: false when libcurl refuses.
    func connectAfresh() -> Bool { unsafe ccurl_set_fresh(raw) == CURLE_OK }

    func free() { unsafe curl_easy_cleanup(raw) }

    /// Names the handle among others.
    var address: UInt { UInt(bitPattern: unsafe raw) }

    /// Whether the tenant spoke HTTP/1.1 in the last transfer.
    var spokeHTTP1: Bool { unsafe ccurl_spoke_http1(raw) != 0 }

    /// Makes it connect and do nothing more.
    /// - Parameter oldestAuthorities: those that were read longer ago are read again.
    /// - Returns: false when libcurl refuses.
    func prepareConnection(to origin: TenantOrigin, oldestAuthorities: Duration) -> Bool {
        let results = unsafe [
            ccurl_set_url(raw, origin.text + "/"), ccurl_set_connect_only(raw, directConnectionMade),
            ccurl_set_oldest_authorities(raw, Int(clamping: oldestAuthorities.components.seconds)),
        ]
        return results.allSatisfy { $0 == CURLE_OK }
    }

    /// Puts a request into the handle. `context` is a `Transfer` that outlives the transfer.
    /// - Parameters:
    ///   - oldest: connections from longer ago are not used.
    ///   - oldestAuthorities: those that were read longer ago are read again.
    /// - Returns: false when libcurl refuses.
    func prepare(
        _ request: UpstreamRequest, origin: TenantOrigin, lines: HeaderList, oldest: Duration,
        oldestAuthorities: Duration, context: UnsafeMutableRawPointer
    ) -> Bool {
        guard request.target.first == UInt8(ascii: "/"), !request.target.contains(0) else { return false }
        let url = origin.text + String(decoding: request.target, as: UTF8.self)
        let method = String(decoding: request.method, as: UTF8.self)
        var results = unsafe [
            ccurl_forget_request(raw),
            ccurl_set_oldest(raw, Int(clamping: oldest.components.seconds)),
            ccurl_set_oldest_authorities(raw, Int(clamping: oldestAuthorities.components.seconds)),
            ccurl_set_url(raw, url),
            ccurl_set_header_lines(raw, lines.head),
            ccurl_set_receivers(raw, receiveHeadLine, receiveBody, aboutToSend, context),
        ]
        switch request.body {
        case .none where request.method.elementsEqual("HEAD".utf8): unsafe results.append(ccurl_set_head_request(raw))
        case .none: unsafe results.append(ccurl_set_method_name(raw, method))
        case .bytes(let body):
            unsafe results.append(
                body.withUnsafeBytes { unsafe ccurl_set_body(raw, $0.baseAddress ?? UnsafeRawPointer(raw), $0.count) })
            unsafe results.append(ccurl_set_method_name(raw, method))
        case .stream(_, let length):
            unsafe results.append(ccurl_set_body_source(raw, supplyBody, supplyTrailers, context, length ?? -1))
            unsafe results.append(ccurl_set_method_name(raw, method))
        }
        return results.allSatisfy { $0 == CURLE_OK }
    }

    /// Lets a paused transfer go on in both directions. May call back at once.
    /// - Returns: anything but `CURLE_OK` when that ends it, which libcurl tells nobody else.
    func resume() -> CURLcode { unsafe curl_easy_pause(raw, CURLPAUSE_CONT) }
}
