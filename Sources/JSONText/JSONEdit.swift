// Changing some members of an object's text and nothing else.

/// A set of changes to the top level of a `JSONObject`. Every byte outside the changed values stays as it is.
package struct JSONEdit: Sendable {
    private var replacements: [(range: Range<Int>, value: [UInt8])] = []
    private var additions: [(name: StaticString, value: [UInt8])] = []

    package init() { additions.reserveCapacity(6) }

    /// Puts a string member: the value of an existing member is replaced where it stands, a new one goes to the end.
    /// - Parameter value: UTF-8, as it is meant; it is quoted and escaped here.
    package mutating func put(_ name: StaticString, _ value: [UInt8], in object: JSONObject) {
        put(name, value, over: object.member(name))
    }

    /// The same where the member, or that there is none, is known already.
    package mutating func put(_ name: StaticString, _ value: [UInt8], over member: JSONObject.Member?) {
        if let member {
            replacements.append((member.value, value))
        } else {
            additions.append((name, value))
        }
    }

    /// The object's text with the changes made. Names of additions must need no escape.
    package consuming func applied(to object: JSONObject) -> [UInt8] {
        var text: [UInt8] = []
        let added = additions.reduce(0) { $0 + $1.name.utf8CodeUnitCount + $1.value.count + 6 }
        text.reserveCapacity(object.text.count + added + replacements.reduce(0) { $0 + $1.value.count + 2 })
        replacements.sort { $0.range.lowerBound < $1.range.lowerBound }
        var copied = 0
        for (range, value) in replacements {
            text += object.text[copied..<range.lowerBound]
            JSONString.append(value, to: &text)
            copied = range.upperBound
        }
        text += object.text[copied..<object.end]
        var first = object.members.isEmpty
        for (name, value) in additions {
            if !first { text.append(UInt8(ascii: ",")) }
            first = false
            text.append(UInt8(ascii: "\""))
            unsafe text += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            text.append(UInt8(ascii: "\""))
            text.append(UInt8(ascii: ":"))
            JSONString.append(value, to: &text)
        }
        text += object.text[object.end...]
        return text
    }
}
