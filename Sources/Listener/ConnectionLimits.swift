// What local connections may take.

/// Times, sizes and numbers of local connections.
package struct ConnectionLimits: Sendable {
    /// Without any request (`SIDECAR_IDLE_TIMEOUT`).
    package var idle: Duration = .seconds(75)
    /// From the first byte of a request to the end of its header (`SIDECAR_HEADER_TIMEOUT`).
    package var header: Duration = .seconds(10)
    /// Without progress of a request body (`SIDECAR_BODY_TIMEOUT`).
    package var body: Duration = .seconds(30)
    /// After the last answer, for the caller to close.
    var linger: Duration = .seconds(2)
    /// How long an idle connection is kept at shutdown.
    var drainGrace: Duration = .seconds(2)
    /// Bytes of pipelined requests that may wait before reading stops.
    var pipelinedBytes = 65_536

    /// Of all addresses together (`SIDECAR_MAX_CONNECTIONS`).
    package var connections = 16_384
    /// Requests that are worked on at the same time (`SIDECAR_MAX_IN_FLIGHT`).
    package var inFlight = 1024
    /// How long a request waits for its turn (`SIDECAR_QUEUE_TIMEOUT`).
    package var queue: Duration = .seconds(1)

    package init() {}
}
