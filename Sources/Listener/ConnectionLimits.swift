// The limits of one connection.

/// Times and sizes that a connection may take.
package struct ConnectionLimits: Sendable {
    /// Without any request (`SIDECAR_IDLE_TIMEOUT`).
    package var idle: Duration = .seconds(75)
    /// Without progress of a request body (`SIDECAR_BODY_TIMEOUT`).
    package var body: Duration = .seconds(30)
    /// After the last answer, for the caller to close.
    var linger: Duration = .seconds(2)
    /// Parts of pipelined requests that may wait before reading stops.
    var pipelinedParts = 64

    package init() {}
}
