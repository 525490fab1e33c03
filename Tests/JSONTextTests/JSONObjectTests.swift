// What is read as one unambiguous JSON object, and what is refused.

import JSONText
import TestSupport
import Testing

struct JSONObjectTests {
    @Test(arguments: [
        "", "{}", " {\r\n\t} ", #"{"a":1.0,"b":1e400,"c":123456789012345678901234567890}"#,
        #"{"a":-0,"b":-0.0e-0,"c":[[],{},null,true,false,"x"]}"#, #"{"\u0000":"\uD83D\uDE00\/\b"}"#,
        #"{"a":1,"A":2,"á":3}"#, "{\"a\u{0301}\":1,\"\u{00E1}\":2}",
    ])
    func accepted(_ document: String) throws {
        #expect(throws: Never.self) { try JSONObject(bytes(document)) }
    }

    @Test(arguments: [
        "{", "}", "{}}", "{} x", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, "{'a':1}", #"{"a":01}"#,
        #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":1e}"#, #"{"a":NaN}"#, #"{"a":tru}"#, #"{"a":"\x"}"#,
        #"{"a":"\u12g4"}"#, "{\"a\":\"\n\"}", #"{"a":"unended"#, #"{"a":[1,]}"#, #"{"a":[1}"#, "{\"a\":1}\u{FEFF}",
        "\u{FEFF}{}",
        "\u{0}{}", "{}\u{0}",
    ])
    func syntax(_ document: String) {
        #expect(throws: JSONFault.syntax) { try JSONObject(bytes(document)) }
    }

    @Test(arguments: ["[]", "1", "null", "\"x\"", "true"])
    func notAnObject(_ document: String) {
        #expect(throws: JSONFault.notAnObject) { try JSONObject(bytes(document)) }
    }

    @Test(arguments: [
        #"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#, #"{"\ud83d\ude00":1,"😀":2}"#, #"{"":1,"":2}"#,
    ])
    func duplicateNames(_ document: String) {
        #expect(throws: JSONFault.duplicateKey) { try JSONObject(bytes(document)) }
    }

    @Test func duplicatesAmongManyMembers() {
        let members = (0..<40).map { "\"k\($0)\":0" } + ["\"k7\":1"]
        #expect(throws: JSONFault.duplicateKey) { try JSONObject(bytes("{\(members.joined(separator: ","))}")) }
    }

    @Test(arguments: [#"{"a":"\ud800"}"#, #"{"a":"\udc00\ud800"}"#, #"{"a":"\ud800x"}"#, #"{"a":"\ud800\u0041"}"#])
    func loneSurrogates(_ document: String) {
        #expect(throws: JSONFault.loneSurrogate) { try JSONObject(bytes(document)) }
    }

    /// An overlong slash, a surrogate in UTF-8, a value beyond U+10FFFF, a tail without a lead, a sequence cut short.
    @Test(
        arguments: [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xE2, 0x82], [0xFF]]
            as [[UInt8]])
    func invalidUTF8(_ sequence: [UInt8]) {
        #expect(throws: JSONFault.invalidUTF8) { try JSONObject(bytes("{\"a\":\"") + sequence + bytes("\"}")) }
    }

    @Test func nesting() throws {
        func nested(_ depth: Int) -> [UInt8] {
            bytes("{\"a\":" + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1) + "}")
        }
        #expect(throws: Never.self) { try JSONObject(nested(64)) }
        #expect(throws: JSONFault.tooDeep) { try JSONObject(nested(65)) }
        // Refused without being read to its end, let alone recursed into.
        #expect(throws: JSONFault.tooDeep) { try JSONObject(bytes("{\"a\":" + String(repeating: "[", count: 1 << 20))) }
    }

    @Test func membersAreDecodedAndComparedAsBytes() throws {
        let object = try JSONObject(bytes(#"{ "session\u005ftoken" : "a\n\u00e9\ud83d\ude00" , "n" : 1.0 }"#))
        #expect(object.string("session_token") == bytes("a\né😀"))
        #expect(object.spelling("n").map { text($0) } == "1.0")
        #expect(object.string("n") == nil)
        // Swift's String would take the Kelvin sign for a K.
        let kelvin = try JSONObject(bytes("{\"\u{212A}\":1}"))
        #expect(kelvin.member("K") == nil)
    }
}
