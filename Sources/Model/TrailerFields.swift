// Which fields may follow a body.

extension HeaderFields {
    /// What frames, routes, authenticates, or changes how a message is read must not come after it (RFC 9110 section 6.5.1); a
    /// recipient that merges trailers into the header would take it for something that nobody has looked at.
    private static let neverTrailers = FieldNames(
        FieldName.hopByHop + [
            .acceptEncoding, .authorization, .contentEncoding, .contentLength, .contentType, .expect, .forwardedFor,
            .host,
            .realIP, .requestID, .retryAfter, .signature, .userAgent, "Age", "Cache-Control", "Content-Range", "Cookie",
            "Date", "Expires", "Forwarded", "Location", "Max-Forwards", "Pragma", "Range", "Set-Cookie", "Vary",
            "Warning", "WWW-Authenticate",
        ])
    private static let neverBeginnings = ["x-sidecar-", "if-", "access-control-"].map { Array($0.utf8) }

    /// These fields as the trailer section of a forwarded message.
    /// - Parameter more: further names that are left out.
    package func asTrailers(without more: [FieldName] = []) -> HeaderFields {
        let more = FieldNames(more)
        var kept = HeaderFields()
        kept.append(fieldsOf: self) { index in
            !collides(index, with: Self.neverTrailers) && !collides(index, with: more)
                && !Self.neverBeginnings.contains { begins(index, with: $0) }
        }
        return kept
    }
}
