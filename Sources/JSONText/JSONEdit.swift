// Changing some members of an object's text and nothing else.

/// A set of changes to the top level of a `JSONObject`. Every byte outside the changed values stays as it is.
package struct JSONEdit: Sendable {
    private var replacements: [(range: Range<Int>, spelling: [UInt8])] = []
    private var additions: [(name: StaticString, spelling: [UInt8])] = []

    package init() {}

    /// Puts a string member: the value of an existing member is replaced where it stands, a new one goes to the end.
    /// - Parameter spelling: the value as JSON text (`JSONString.encode` for a string).
    package mutating func put(_ name: StaticString, spelling: [UInt8], in object: JSONObject) {
        if let member = object.member(name) {
            replacements.append((member.value, spelling))
        } else {
            additions.append((name, spelling))
        }
    }

    /// The object's text with the changes made. Names of additions must need no escape.
    package consuming func applied(to object: JSONObject) -> [UInt8] {
        var text: [UInt8] = []
        let added = additions.reduce(0) { $0 + $1.name.utf8CodeUnitCount + $1.spelling.count + 4 }
        text.reserveCapacity(object.text.count + added + replacements.reduce(0) { $0 + $1.spelling.count })
        replacements.sort { $0.range.lowerBound < $1.range.lowerBound }
        var copied = 0
        for (range, spelling) in replacements {
            text += object.text[copied..<range.lowerBound]
            text += spelling
            copied = range.upperBound
        }
        text += object.text[copied..<object.end]
        var first = object.members.isEmpty
        for (name, spelling) in additions {
            if !first { text.append(UInt8(ascii: ",")) }
            first = false
            text.append(UInt8(ascii: "\""))
            unsafe text += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            text += [UInt8(ascii: "\""), UInt8(ascii: ":")]
            text += spelling
        }
        text += object.text[object.end...]
        return text
    }
}
