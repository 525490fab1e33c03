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

    @Test func aFieldIsThereOnceOrMoreOften() {
        let fields = HeaderFields(["Host": "a", "X-Two": "1", "x-two": "2"])
        if case .once(let value) = fields.occurrence(.host) {
            #expect(text(value) == "a")
        } else {
            Issue.record("once")
        }
        if case .several = fields.occurrence("X-TWO") {} else { Issue.record("several") }
        if case .none = fields.occurrence("x_two") {} else { Issue.record("none") }
    }

    @Test func whatConnectionNames() {
        let fields = HeaderFields(["Connection": "Close, x_a ,keep-alive", "X-A": "1", "Close": "2", "X-B": "3"])
        #expect((0..<4).filter { fields.collides($0, with: fields.namedByConnection) } == [1])
        #expect((0..<4).filter { fields.collides($0, with: FieldNames(FieldName.hopByHop)) } == [0, 2])
        #expect(fields.lists("KEEP-alive", in: .connection))
        #expect(!fields.lists("x-a", in: .connection))
    }

    /// In one piece when every line is as it would be written, line by line when one is not: with the same result.
    @Test(arguments: ["A: 1\r\nbb: \tx y\r\n", "A: 1\r\nbb:x y\r\n", "A: 1 \r\nbb:  x y\r\n", "A: 1\r\nbb: x y\r\n"])
    func aHeadsFields(_ lines: String) {
        let message = bytes("GET / HTTP/1.1\r\n" + lines + "\r\n")
        let start = bytes("GET / HTTP/1.1\r\n").count
        var places: [HeaderFields.Place] = []
        var index = start
        for line in lines.split(separator: "\r\n") {
            let colon =
                index
                + (line.utf8.firstIndex(of: 0x3A).map { line.utf8.distance(from: line.utf8.startIndex, to: $0) } ?? 0)
            var (first, last) = (colon + 1, index + line.utf8.count)
            while message[first] == 0x20 || message[first] == 0x09 { first += 1 }
            while message[last - 1] == 0x20 { last -= 1 }
            let (nameEnd, fold) = FieldName.read(message, index..<message.count)
            #expect(nameEnd == colon)
            places.append(HeaderFields.Place(name: index..<colon, value: first..<last, fold: fold))
            index += line.utf8.count + 2
        }
        let fields = HeaderFields(message, start..<start + lines.utf8.count, places)
        #expect(text(fields.lines[...]) == "A: 1\r\nbb: x y\r\n")
        #expect((0..<2).map { text(fields[$0].name) + "=" + text(fields[$0].value) } == ["A=1", "bb=x y"])
        #expect(fields.isCalled("BB", at: 1))
        var some = HeaderFields()
        some.append(fieldsOf: fields) { $0 == 1 }
        some.append(fieldsOf: fields) { _ in true }
        #expect(text(some.lines[...]) == "bb: x y\r\nA: 1\r\nbb: x y\r\n")
        #expect((0..<3).map { text(some[$0].value) } == ["x y", "1", "x y"])
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

    /// RFC 9110 section 5.6.2.
    @Test func tokenCharactersAreThoseOfTheGrammar() {
        let grammar = Array("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(ASCII.isTokenCharacter(byte) == grammar.contains(byte)) }
    }

    @Test func aNameThatIsReadHasTheFoldOfItsSpellings() {
        let line = bytes("x: X_Sidecar-user : 1")
        let (end, fold) = FieldName.read(line, 3..<line.count)
        #expect(end == 17)
        #expect(fold == FieldName.read(bytes("x-sidecar-user"), 0..<14).fold)
        #expect(fold != FieldName.read(bytes("x-sidecar-users"), 0..<15).fold)
        #expect(FieldName.read(line, 3..<8).end == 8)
        #expect(FieldName.read(line, 1..<line.count).end == 1)
    }

    /// Names whose folds look the same to the summary are told apart all the same.
    @Test func everyNameIsFoundAmongManyAndNoOther() {
        let names = (0..<200).map { "name-\($0)" }
        var fields = HeaderFields()
        for name in names.prefix(3) { fields.append(name, "value of \(name)") }
        var copied = HeaderFields()
        copied.append(contentsOf: fields)
        var chosen = HeaderFields()
        chosen.append(fieldsOf: fields) { $0 != 1 }
        for (index, name) in names.enumerated() {
            let name = FieldName(bytes(name))
            #expect(fields.contains(name) == (index < 3))
            #expect((copied.first(name) != nil) == (index < 3))
            #expect(chosen.values(name).count == (index == 0 || index == 2 ? 1 : 0))
            if case .none = fields.occurrence(name) { #expect(index >= 3) } else { #expect(index < 3) }
        }
        let all = FieldNames(names.dropFirst(100).map { FieldName(bytes($0)) } + ["name-2"])
        #expect((0..<3).filter { fields.collides($0, with: all) } == [2])
    }
}
