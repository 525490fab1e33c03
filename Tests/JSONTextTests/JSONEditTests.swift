// Members put into a document leave every other byte alone.

import JSONText
import TestSupport
import Testing

struct JSONEditTests {
    private func edited(_ document: String) throws -> String {
        let object = try JSONObject(bytes(document))
        var edit = JSONEdit()
        edit.put("session_token", bytes("NEW"), in: object)
        edit.put("agent", bytes("x\"y"), in: object)
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
        var edit = JSONEdit()
        edit.put("a", value, in: try JSONObject([]))
        let object = try JSONObject(edit.applied(to: JSONObject([])))
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
            edit.put("session_token", bytes("T"), in: object)
            let result = try JSONObject(edit.applied(to: object))
            #expect(result.string("session_token") == bytes("T"), "\(text(document))")
            let before = object.members.filter { object.name($0) != bytes("session_token") }
            let after = result.members.filter { result.name($0) != bytes("session_token") }
            #expect(before.map { object.name($0) } == after.map { result.name($0) })
            #expect(before.map { Array(object.text[$0.value]) } == after.map { Array(result.text[$0.value]) })
        }
    }
}
