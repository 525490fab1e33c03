// The ways an answer can leave: whole, and broken in every manner a fault asks for.
import NIOCore

enum Delivery {
    case whole(TenantAnswer)
    /// Head with the full Content-Length, then so many body bytes, then the end of the connection.
    case cut(TenantAnswer, bodyBytes: Int)
    /// One body byte after each pause.
    case slowly(TenantAnswer, pause: TimeAmount)
    /// These bytes and so many letters behind them (HTTP/1.1 only), then the end of the connection.
    case raw(String, filler: Int)
    /// The connection is reset.
    case reset
}

/// One request's way back. Used on the connection's event loop only, and for one delivery.
protocol AnswerOutlet: AnyObject {
    /// - Parameter lastByte: called once, right before the last byte is handed to the connection or when none will be.
    func deliver(_ delivery: Delivery, lastByte: @escaping () -> Void)
    /// Whether the caller has hung up.
    var isGone: Bool { get }
}

/// Who answers the requests of a listener.
protocol Responder: Sendable {
    /// Called on the event loop. Returns what to call, also there, when the caller goes before the answer.
    func respond(
        to request: ReceivedRequest, on loop: any EventLoop, through outlet: any AnswerOutlet
    ) -> (() -> Void)
}
