// What a Redis or Valkey server says of itself, and what of it keeps us from working with it.

package import Model

/// The lines of `INFO` that matter.
package struct RedisFacts: Sendable {
    /// `Redis 7.0.15` or `Valkey 8.0.1`.
    package var product = ""
    /// Major and minor number of the Redis that it is, or that it is compatible with.
    package var version: (Int, Int) = (0, 0)
    /// `standalone`, `cluster` or `sentinel`.
    package var mode = ""
    /// Another one after every start of the server, and on every server.
    package var runID: [UInt8] = []
    package var isReplica = false
    /// It may throw keys away when its memory is full.
    package var mayEvict = false
    /// It writes every change to a file.
    package var isAppending = false

    init(_ info: [UInt8]) {
        var fields: [String: String] = [:]
        for line in info.split(whereSeparator: { $0 == 0x0D || $0 == 0x0A }) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            fields[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
        let redis = fields["redis_version"] ?? ""
        let numbers = redis.utf8.split(separator: UInt8(ascii: ".")).map { ASCII.decimal($0) ?? 0 }
        version = (numbers.first ?? 0, numbers.dropFirst().first ?? 0)
        product = fields["valkey_version"].map { "Valkey \($0)" } ?? "Redis \(redis)"
        mode = fields["redis_mode"] ?? fields["server_mode"] ?? ""
        runID = Array((fields["run_id"] ?? "").utf8)
        isReplica = fields["role"] == "slave"
        mayEvict = fields["maxmemory"] ?? "0" != "0" && fields["maxmemory_policy"] != "noeviction"
        isAppending = fields["aof_enabled"] == "1"
    }
}

/// Why a server is not the right one, or does not let us in. Waiting does not help.
package enum RedisRefusal: Error, Sendable, Equatable {
    /// Wrong user or password, or a right is missing; with the server's own words.
    case refused(String)
    /// TLS failed, or the files for it cannot be used.
    case untrusted
    /// A Redis Cluster: keys are spread over many servers.
    case cluster
    /// A Sentinel: it knows where the store is and is none itself.
    case sentinel
    /// Older than 6.2.
    case tooOld(String)
    /// The store's own keys do not open with ours.
    case wrongKey
}

/// Why a connection did not come to stand.
package enum RedisOpenError: Error {
    /// Another try may do.
    case trouble(StoreTrouble)
    case refused(RedisRefusal)

    var trouble: StoreTrouble {
        switch self {
        case .trouble(let trouble): trouble
        case .refused(.untrusted): .untrusted
        case .refused(.wrongKey): .foreign
        case .refused(.cluster), .refused(.sentinel), .refused(.tooOld): .broken
        case .refused(.refused): .refused
        }
    }
}

extension RedisFault {
    /// By its code (the first word), never by its text; but for a server without a free connection, which has no code of its own.
    var trouble: StoreTrouble {
        if isFull { return .unreachable }
        let known: [(String, StoreTrouble)] = [
            ("READONLY", .readOnly), ("LOADING", .loading), ("BUSY", .busy), ("OOM", .full), ("MISCONF", .notSaving),
            ("NOREPLICAS", .notSaving), ("MASTERDOWN", .unreachable), ("CLUSTERDOWN", .unreachable),
            ("NOAUTH", .refused), ("WRONGPASS", .refused), ("NOPERM", .refused),
        ]
        return known.first { isCode($0.0) }?.1 ?? .broken
    }

    /// Says so to whoever connects, whatever is asked, and closes.
    var isFull: Bool { text.utf8.elementsEqual("ERR max number of clients reached".utf8) }

    /// Whether another connection may lead to a server that can do it: after a failover the same name does.
    var asksToReconnect: Bool { [.readOnly, .loading, .unreachable].contains(trouble) || isCode("NOAUTH") }
}
