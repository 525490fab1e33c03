// Members put into a document leave every other byte alone.

import JSONText
import TestSupport
import Testing

struct JSONEditTests {
    private func edited(_ document: String) throws -> String {
        let object = try JSONObject(bytes(document))
        var edit = JSONEdit()
        edit.put("session_token", spelling: JSONString.encode(bytes("NEW")), in: object)
        edit.put("agent", spelling: JSONString.encode(bytes("x\"y")), in: object)
        return text(edit.applied(to: object))
    }

    @Test(arguments: [
        ("", #"{"session_token":"NEW","agent":"x\"y"}"#),
        ("{}", #"{"session_token":"NEW","agent":"x\"y"}"#),
        (" {\n} ", " {\n\"session_token\":\"NEW\",\"agent\":\"x\\\"y\"} "),
        (#"{"n":1.0}"#, #"{"n":1.0,"session_token":"NEW","agent":"x\"y"}"#),
        (
            #"{"n":1e400,"big":12345678901234567890}"#,
            #"{"n":1e400,"big":12345678901234567890,"session_token":"NEW","agent":"x\"y"}"#
        ),
        (
            #"{"z":"\u0000","a":{"session_token":1,"session_token":2}}"#,
            #"{"z":"\u0000","a":{"session_token":1,"session_token":2},"session_token":"NEW","agent":"x\"y"}"#
        ),
        (
            "{ \"agent\" : null ,\r\n\"session_token\":\t\"OLD\" , \"n\":-0.0E+1 }\n",
            "{ \"agent\" : \"x\\\"y\" ,\r\n\"session_token\":\t\"NEW\" , \"n\":-0.0E+1 }\n"
        ),
        (#"{"session\u005ftoken":[1,{"x":"]"}],"agent":"é"}"#, #"{"session\u005ftoken":"NEW","agent":"x\"y"}"#),
    ])
    func everyOtherByteStays(_ document: String, _ expected: String) throws {
        #expect(try edited(document) == expected)
    }

    @Test func stringsAreEncodedAndReadBack() throws {
        let value = (0..<128).map { UInt8($0) } + bytes("é€😀")
        let object = try JSONObject(bytes("{\"a\":") + JSONString.encode(value) + bytes("}"))
        #expect(object.string("a") == value)
    }

    /// 20,000 generated documents: what is put in can be read, and all else is byte for byte what it was.
    @Test func generatedDocuments() throws {
        var generator = DocumentGenerator(seed: 42)
        for _ in 0..<20_000 {
            let members = generator.members()
            let document = generator.document(members)
            let object = try JSONObject(document)
            var edit = JSONEdit()
            edit.put("session_token", spelling: JSONString.encode(bytes("T")), in: object)
            let result = try JSONObject(edit.applied(to: object))
            #expect(result.string("session_token") == bytes("T"), "\(text(document))")
            let before = object.members.filter { $0.name != bytes("session_token") }
            let after = result.members.filter { $0.name != bytes("session_token") }
            #expect(before.map(\.name) == after.map(\.name))
            #expect(before.map { Array(object.text[$0.value]) } == after.map { Array(result.text[$0.value]) })
        }
    }
}

/// Documents of random members in random spelling. The same seed gives the same documents.
struct DocumentGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    private mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
    private mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }
    private mutating func space() -> String { pick(["", "", "", " ", "\t", "\r\n", "  "]) }

    mutating func value(depth: Int) -> String {
        switch below(depth < 4 ? 8 : 6) {
        case 0: pick(["0", "-0", "1.0", "1e400", "-12.5E-3", "12345678901234567890123"])
        case 1: pick(["true", "false", "null"])
        case 2...5: pick([#""""#, #""a""#, #""\u0000""#, #""\ud83d\ude00""#, "\"é€😀\"", #""\"\\\/""#, #"",:{}[]""#])
        case 6:
            "[" + (0..<below(4)).map { _ in space() + value(depth: depth + 1) + space() }.joined(separator: ",") + "]"
        default: "{" + (0..<below(4)).map { "\"k\($0)\":" + value(depth: depth + 1) }.joined(separator: ",") + "}"
        }
    }

    mutating func members() -> [(String, String)] {
        var names = (0..<below(6)).map { "\"m\($0)\"" }
        if below(2) == 0 {
            names.insert(pick([#""session_token""#, #""session\u005ftoken""#]), at: below(names.count + 1))
        }
        return names.map { ($0, value(depth: 1)) }
    }

    mutating func document(_ members: [(String, String)]) -> [UInt8] {
        bytes(
            space() + "{"
                + members.map { space() + $0.0 + space() + ":" + space() + $0.1 + space() }.joined(separator: ",") + "}"
                + space()
        )
    }
}
