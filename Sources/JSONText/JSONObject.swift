// The members of a top-level JSON object, and where in the text they stand.

/// A strictly read JSON object: its text, unchanged, and its top-level members. Nested values are checked and left alone.
package struct JSONObject: Sendable {
    /// What kind of value a member has.
    package enum Kind: Sendable, Equatable { case string, number, object, array, boolean, null }

    /// One top-level member.
    package struct Member: Sendable {
        /// Where the name stands in `text`, without its quotes.
        fileprivate let plainName: Range<Int>
        /// The name, if it holds an escape.
        fileprivate let decodedName: [UInt8]?
        package let kind: Kind
        /// Where the value stands in `text`, quotes and brackets included.
        package let value: Range<Int>
    }

    /// The document as it came.
    package let text: [UInt8]
    /// In the order of the document.
    package let members: [Member]
    /// Index of the closing brace.
    let end: Int

    /// Reads a document. An empty body counts as `{}` (contract 5).
    /// - Throws: `JSONFault` for anything that is not one unambiguous JSON object.
    package init(_ body: [UInt8]) throws(JSONFault) {
        let text = body.isEmpty ? [UInt8(ascii: "{"), UInt8(ascii: "}")] : body
        let (members, end) = try Self.read(text.span)
        try Self.refuseDuplicates(members, text)
        (self.text, self.members, self.end) = (text, members, end)
    }

    /// The member called `name`, compared byte by byte.
    package func member(_ name: StaticString) -> Member? {
        // By index: a member that is not the one is not copied.
        members.indices.first { index in
            if let decoded = members[index].decodedName { return Self.equal(decoded, decoded.indices, name) }
            return Self.equal(text, members[index].plainName, name)
        }.map { members[$0] }
    }

    /// The decoded name of a member, UTF-8.
    package func name(_ member: Member) -> [UInt8] { Self.name(member, text.span) }

    private static func name(_ member: Member, _ text: Span<UInt8>) -> [UInt8] {
        member.decodedName ?? member.plainName.map { text[$0] }
    }

    /// The decoded bytes of a member that is a string; nil when it is missing or of another kind.
    package func string(_ name: StaticString) -> [UInt8]? {
        guard let member = member(name), member.kind == .string else { return nil }
        return try? JSONString.decode(text.span, member.value)
    }

    /// The spelling of a member's value, as it stands in the document.
    package func spelling(_ name: StaticString) -> ArraySlice<UInt8>? { member(name).map { text[$0.value] } }

    private static func equal(_ bytes: [UInt8], _ range: Range<Int>, _ name: StaticString) -> Bool {
        guard range.count == name.utf8CodeUnitCount else { return false }
        for index in range where unsafe name.utf8Start[index - range.lowerBound] != bytes[index] { return false }
        return true
    }

    private static func read(_ text: Span<UInt8>) throws(JSONFault) -> ([Member], end: Int) {
        var at = 0
        JSONGrammar.skipSpace(text, &at)
        guard at < text.count else { throw .syntax }
        guard text[at] == UInt8(ascii: "{") else {
            try JSONGrammar.skipValue(text, &at, depth: 0)
            throw .notAnObject
        }
        at += 1
        var members: [Member] = []
        members.reserveCapacity(8)
        JSONGrammar.skipSpace(text, &at)
        if at < text.count, text[at] == UInt8(ascii: "}") {
            at += 1
        } else {
            repeat {
                JSONGrammar.skipSpace(text, &at)
                members.append(try readMember(text, &at))
                JSONGrammar.skipSpace(text, &at)
            } while try !JSONGrammar.closes(with: UInt8(ascii: "}"), text, &at)
        }
        let end = at - 1
        JSONGrammar.skipSpace(text, &at)
        guard at == text.count else { throw .syntax }
        return (members, end)
    }

    private static func readMember(_ text: Span<UInt8>, _ at: inout Int) throws(JSONFault) -> Member {
        let nameStart = at
        let isEscaped = try JSONGrammar.skipString(text, &at)
        let name = nameStart + 1..<at - 1
        let decoded = isEscaped ? try JSONString.decode(text, nameStart..<at) : nil
        JSONGrammar.skipSpace(text, &at)
        try JSONGrammar.expect(UInt8(ascii: ":"), text, &at)
        JSONGrammar.skipSpace(text, &at)
        let valueStart = at
        try JSONGrammar.skipValue(text, &at, depth: 1)
        return Member(plainName: name, decodedName: decoded, kind: kind(of: text[valueStart]), value: valueStart..<at)
    }

    private static func kind(of first: UInt8) -> Kind {
        switch first {
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    private static func refuseDuplicates(_ members: [Member], _ text: [UInt8]) throws(JSONFault) {
        guard members.count > 16 || members.contains(where: { $0.decodedName != nil }) else {
            for later in members.indices.dropFirst() {
                for earlier in 0..<later where same(members[earlier].plainName, members[later].plainName, text) {
                    throw .duplicateKey
                }
            }
            return
        }
        let span = text.span
        guard Set(members.map { name($0, span) }).count == members.count else { throw .duplicateKey }
    }

    private static func same(_ left: Range<Int>, _ right: Range<Int>, _ text: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        let distance = right.lowerBound - left.lowerBound
        for index in left where text[index] != text[index + distance] { return false }
        return true
    }
}
