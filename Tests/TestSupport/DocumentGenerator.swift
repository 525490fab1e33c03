// JSON documents by chance, good and bad.

/// Documents of random members in random spelling. The same seed gives the same documents.
package struct DocumentGenerator {
    private var random: SeededGenerator
    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    package mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
    private mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }
    private mutating func space() -> String { pick(["", "", "", " ", "\t", "\r\n", "  "]) }

    private mutating func value(depth: Int) -> String {
        switch below(depth < 4 ? 8 : 6) {
        case 0: pick(["0", "-0", "1.0", "1e400", "-12.5E-3", "12345678901234567890123"])
        case 1: pick(["true", "false", "null"])
        case 2...5: pick([#""""#, #""a""#, #""\u0000""#, #""\ud83d\ude00""#, "\"é€😀\"", #""\"\\\/""#, #"",:{}[]""#])
        case 6:
            "[" + (0..<below(4)).map { _ in space() + value(depth: depth + 1) + space() }.joined(separator: ",") + "]"
        default: "{" + (0..<below(4)).map { "\"k\($0)\":" + value(depth: depth + 1) }.joined(separator: ",") + "}"
        }
    }

    /// Spellings of names and values; now and then among them what the sidecar injects.
    package mutating func members() -> [(String, String)] {
        var names = (0..<below(6)).map { "\"m\($0)\"" }
        let injected = [
            [#""session_token""#, #""session\u005ftoken""#], [#""device_fingerprint""#, #""\u0064evice_fingerprint""#],
            [#""device_ip""#], [#""agent""#, #""agen\u0074""#], [#""operating_sys_version""#],
        ]
        for spellings in injected where below(3) == 0 { names.insert(pick(spellings), at: below(names.count + 1)) }
        return names.map { ($0, value(depth: 1)) }
    }

    package mutating func document(_ members: [(String, String)]) -> [UInt8] {
        bytes(
            space() + "{"
                + members.map { space() + $0.0 + space() + ":" + space() + $0.1 + space() }.joined(separator: ",") + "}"
                + space()
        )
    }
}

extension DocumentGenerator {
    /// A document with a few bytes changed, removed, added or said twice: mostly no JSON any more.
    package mutating func damaged(_ document: [UInt8]) -> [UInt8] {
        var damaged = document
        let bytes =
            Array("\"\\{}[],:0123456789.eE+-utfnd8c/ \n\u{0}\u{1F}".utf8) + [0x80, 0xBF, 0xC0, 0xED, 0xA0, 0xF4, 0xFF]
        for _ in 0...below(3) {
            let at = below(damaged.count + 1)
            switch below(4) {
            case 0 where at < damaged.count: damaged[at] = bytes[below(bytes.count)]
            case 1 where at < damaged.count: damaged.remove(at: at)
            case 2: damaged.insert(bytes[below(bytes.count)], at: at)
            default: damaged.insert(contentsOf: damaged[at..<min(damaged.count, at + 1 + below(12))], at: at)
            }
        }
        return damaged
    }
}
