// Puts a request together, piece by piece.
import NIOCore

struct RequestAssembly {
    private struct Head {
        let method: String
        let target: String
        let protocolName: String
        let headers: [HeaderField]
    }

    /// Bytes; what an emulator keeps in memory for one request.
    private static let largestBody = 256 << 20
    private var head: Head?
    private var body: [UInt8] = []

    mutating func begin(method: String, target: String, protocolName: String, headers: [HeaderField]) {
        head = Head(method: method, target: target, protocolName: protocolName, headers: headers)
        body = []
    }

    /// - Returns: false when the body has become too large to keep.
    mutating func add(_ piece: ByteBuffer) -> Bool {
        body.append(contentsOf: piece.readableBytesView)
        return body.count <= Self.largestBody
    }

    /// Nil without a head.
    mutating func finish() -> ReceivedRequest? {
        guard let head else { return nil }
        defer {
            self.head = nil
            body = []
        }
        return ReceivedRequest(
            method: head.method, target: head.target, protocolName: head.protocolName, headers: head.headers,
            body: body)
    }
}
