// Rude ways to end a connection, for faults.
import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL

enum ConnectionEnd {
    /// Ends TCP after what was written, without TLS's goodbye. Call on the event loop.
    static func abrupt(_ channel: any Channel) {
        let operations = channel.pipeline.syncOperations
        if let tls = try? operations.context(handlerType: NIOSSLServerHandler.self) {
            // From here outwards only the socket is left, so no close_notify is sent.
            tls.close(mode: .all, promise: nil)
        } else {
            channel.close(mode: .all, promise: nil)
        }
    }

    /// As `abrupt`, with a TCP RST: unsent bytes are dropped. Call on the event loop.
    static func reset(_ channel: any Channel) {
        if let options = channel as? any SocketOptionProvider {
            _ = options.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        abrupt(channel)
    }
}

enum ReasonPhrase {
    static func of(_ status: Int) -> String {
        HTTPResponseStatus(statusCode: status).reasonPhrase
    }
}
