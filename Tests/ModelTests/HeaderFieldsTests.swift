// Header fields as bytes: order, case, lists, names.

import Model
import TestSupport
import Testing

struct HeaderFieldsTests {
    @Test func linesKeepOrderCaseAndBytes() {
        var fields = HeaderFields()
        fields.append("X-One" as FieldName, [0xE9, 0x20, 0x09])
        fields.append("x-one" as FieldName, "2")
        #expect(fields.lines == bytes("X-One: ") + [0xE9, 0x20, 0x09] + bytes("\r\nx-one: 2\r\n"))
        #expect(fields.count == 2)
        #expect(fields.values("X-ONE").map { Array($0) } == [[0xE9, 0x20, 0x09], bytes("2")])
        #expect(fields.first("x-two") == nil)
    }

    @Test func listsAreSplitOverAllFieldsOfAName() {
        let fields = HeaderFields(["Connection": "close ,, X-a", "connection": "\tx-b\t"])
        #expect(fields.list(.connection).map { text($0) } == ["close", "X-a", "x-b"])
    }

    @Test func namesAreComparedAsASCII() {
        #expect(FieldName("Host").isSpelled(bytes("hOST")[...]))
        #expect(!FieldName("X-Key").isSpelled(bytes("x-\u{212A}ey")[...]))
        #expect(FieldName("X-Sidecar-User").collides(with: bytes("x_sidecar-USER")[...]))
        #expect(FieldName("a_b").collides(with: bytes("A-B")[...]))
        #expect(!FieldName("X-Sidecar-User").isSpelled(bytes("x_sidecar-user")[...]))
        #expect(FieldName("ETag") == FieldName("etag"))
    }

    @Test(arguments: [("0", 0), ("007", 7), ("999999999999999999", 999_999_999_999_999_999)] as [(String, Int)])
    func decimals(_ digits: String, _ number: Int) { #expect(ASCII.decimal(bytes(digits)[...]) == number) }

    @Test(arguments: ["", "+5", "-1", "5,5", "0x5", " 5", "5 ", "٥", "9999999999999999999"])
    func noDecimals(_ digits: String) { #expect(ASCII.decimal(bytes(digits)[...]) == nil) }
}
