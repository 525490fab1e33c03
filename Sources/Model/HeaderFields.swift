// Header fields as the bytes they are on the wire.

/// An ordered list of header fields (RFC 9110 section 5), kept as their lines: `name: value\r\n` one after another.
/// Names keep the case they came in; values are any bytes but CR, LF and NUL.
package struct HeaderFields: Sendable {
    /// One field; both slices point into the list's own bytes.
    package struct Field: Sendable {
        package let name: ArraySlice<UInt8>
        /// Without surrounding white space.
        package let value: ArraySlice<UInt8>
    }

    private struct Span: Sendable {
        let start: Int
        let nameEnd: Int
        let end: Int
        /// Of the name, as `FieldName` has it: most names are told apart without looking at their bytes.
        let fold: UInt64

        func moved(by count: Int) -> Span {
            Span(start: start + count, nameEnd: nameEnd + count, end: end + count, fold: fold)
        }
    }

    /// All lines, each ended by CR LF, without the empty line that ends a head.
    package private(set) var lines: [UInt8] = []
    private var spans: [Span] = []
    private var summary = FoldSummary()

    package init() {}

    /// The fields of a head that has come.
    /// - Parameters:
    ///   - block: their lines, one behind the other, each with its CR LF.
    ///   - places: one for each line, in order.
    package init(_ bytes: [UInt8], _ block: Range<Int>, _ places: [Place]) {
        spans.reserveCapacity(places.count)
        guard places.allSatisfy({ Self.isUsual(bytes, $0) }) else {
            lines.reserveCapacity(block.count + places.count)
            for place in places { append(bytes, place) }
            return
        }
        lines = Array(bytes[block])
        for place in places {
            note(
                Span(
                    start: place.name.lowerBound, nameEnd: place.name.upperBound, end: place.value.upperBound,
                    fold: place.fold
                ).moved(by: -block.lowerBound))
        }
    }

    private mutating func note(_ span: Span) {
        spans.append(span)
        summary.insert(span.fold)
    }

    /// Whether a line is as it would be written here.
    private static func isUsual(_ bytes: [UInt8], _ place: Place) -> Bool {
        place.value.lowerBound == place.name.upperBound + 2 && bytes[place.name.upperBound + 1] == 0x20
            && bytes[place.value.upperBound] == 0x0D
    }

    package var count: Int { spans.count }

    package mutating func reserveCapacity(bytes: Int, fields: Int) {
        lines.reserveCapacity(bytes)
        spans.reserveCapacity(fields)
    }

    // Concrete types on purpose: a generic one is not specialised across targets, and this is called for every field.

    /// Adds a field at the end. The caller has checked name and value.
    package mutating func append(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        let start = lines.count
        lines += name
        let nameEnd = separate()
        lines += value
        end(start, nameEnd, FieldName.fold(lines, start..<nameEnd))
    }

    package mutating func append(_ name: FieldName, _ value: [UInt8]) {
        let (start, nameEnd) = begin(name)
        lines += value
        end(start, nameEnd, name.fold)
    }

    /// Adds a field whose name and value are texts.
    package mutating func append(_ name: String, _ value: String) {
        let start = lines.count
        lines += name.utf8
        let nameEnd = separate()
        lines += value.utf8
        end(start, nameEnd, FieldName.fold(lines, start..<nameEnd))
    }

    /// Adds a field whose value is plain text.
    package mutating func append(_ name: FieldName, _ value: String) {
        let (start, nameEnd) = begin(name)
        lines += value.utf8
        end(start, nameEnd, name.fold)
    }

    /// Adds a field that lies in a message.
    package mutating func append(_ bytes: [UInt8], _ place: Place) {
        let (name, value) = (place.name, place.value)
        guard value.lowerBound == name.upperBound + 2, bytes[name.upperBound + 1] == 0x20 else {
            return append(bytes[name], bytes[value])
        }
        let start = lines.count
        lines += bytes[name.lowerBound..<value.upperBound]
        end(start, start + name.count, place.fold)
    }

    /// Adds those of another list's fields that are wanted, as they are.
    package mutating func append(fieldsOf other: HeaderFields, where isWanted: (Int) -> Bool) {
        // Those that stand together are copied together.
        var start = 0
        for index in other.spans.indices where !isWanted(index) {
            append(start..<index, of: other)
            start = index + 1
        }
        append(start..<other.spans.count, of: other)
    }

    private mutating func append(_ run: Range<Int>, of other: HeaderFields) {
        guard let first = run.first, let last = run.last else { return }
        let bytes = other.spans[first].start..<other.spans[last].end + 2
        let distance = lines.count - bytes.lowerBound
        lines += other.lines[bytes]
        for index in run { note(other.spans[index].moved(by: distance)) }
    }

    /// Adds a field whose value has two parts.
    package mutating func append(_ name: FieldName, _ beginning: [UInt8], _ rest: [UInt8]) {
        let (start, nameEnd) = begin(name)
        lines += beginning
        lines += rest
        end(start, nameEnd, name.fold)
    }

    /// Adds another list's fields behind its own.
    package mutating func append(contentsOf other: HeaderFields) { append(other.spans.indices, of: other) }

    private mutating func begin(_ name: FieldName) -> (start: Int, nameEnd: Int) {
        let start = lines.count
        lines += name.bytes
        return (start, separate())
    }

    private mutating func separate() -> Int {
        defer {
            lines.append(UInt8(ascii: ":"))
            lines.append(UInt8(ascii: " "))
        }
        return lines.count
    }

    private mutating func end(_ start: Int, _ nameEnd: Int, _ fold: UInt64) {
        note(Span(start: start, nameEnd: nameEnd, end: lines.count, fold: fold))
        lines.append(0x0D)
        lines.append(0x0A)
    }

    package subscript(_ index: Int) -> Field {
        let span = spans[index]
        return Field(name: lines[span.start..<span.nameEnd], value: lines[span.nameEnd + 2..<span.end])
    }

    private func value(_ span: Span) -> ArraySlice<UInt8> { lines[span.nameEnd + 2..<span.end] }

    private func isCalled(_ name: FieldName, _ span: Span) -> Bool {
        span.fold == name.fold && name.isSpelled(lines[span.start..<span.nameEnd])
    }

    /// Whether a program that treats `_` as `-` would take the field for one of these.
    package func collides(_ index: Int, with names: FieldNames) -> Bool {
        let span = spans[index]
        return names.collide(with: span.fold, lines, span.start..<span.nameEnd)
    }

    /// Whether such a program would take the field for one of the other list's.
    package func collides(_ index: Int, with other: HeaderFields) -> Bool {
        let span = spans[index]
        guard other.summary.mayHold(span.fold) else { return false }
        return other.spans.contains { theirs in
            theirs.fold == span.fold
                && FieldName.collide(
                    lines, span.start..<span.nameEnd, with: other.lines, theirs.start..<theirs.nameEnd)
        }
    }

    /// Whether the field is called so, in any case.
    package func isCalled(_ name: FieldName, at index: Int) -> Bool { isCalled(name, spans[index]) }

    /// Whether the field's name begins with these lower-case letters and `-`, in any case and with `_` for `-`.
    package func begins(_ index: Int, with beginning: [UInt8]) -> Bool {
        let span = spans[index]
        guard span.nameEnd - span.start >= beginning.count else { return false }
        for offset in beginning.indices where FieldName.folded(lines[span.start + offset]) != beginning[offset] {
            return false
        }
        return true
    }

    /// One whole line without its CR LF.
    package func line(_ index: Int) -> ArraySlice<UInt8> { lines[spans[index].start..<spans[index].end] }

    /// The values of all fields called `name`, in order.
    package func values(_ name: FieldName) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        guard summary.mayHold(name.fold) else { return found }
        for span in spans where isCalled(name, span) { found.append(value(span)) }
        return found
    }

    /// The value of the first field called `name`.
    package func first(_ name: FieldName) -> ArraySlice<UInt8>? {
        guard summary.mayHold(name.fold) else { return nil }
        for span in spans where isCalled(name, span) { return value(span) }
        return nil
    }

    /// How often a field is there.
    package enum Occurrence {
        case none
        case once(ArraySlice<UInt8>)
        case several
    }

    /// Whether there is one field called `name`, and its value.
    package func occurrence(_ name: FieldName) -> Occurrence {
        guard summary.mayHold(name.fold) else { return .none }
        var found: Span?
        for span in spans where isCalled(name, span) {
            guard found == nil else { return .several }
            found = span
        }
        return found.map { .once(value($0)) } ?? .none
    }

    package func contains(_ name: FieldName) -> Bool {
        summary.mayHold(name.fold) && spans.contains { isCalled(name, $0) }
    }

    /// The elements of all fields called `name` taken as comma-separated lists, without white space, none empty.
    package func list(_ name: FieldName) -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        eachElement(name) { elements.append($0) }
        return elements
    }

    /// Whether one of those elements is this, in any case.
    package func lists(_ element: String, in name: FieldName) -> Bool {
        lists(in: name) { ASCII.equalIgnoringCase($0, element) }
    }

    /// Whether one of those elements is what is meant.
    package func lists(in name: FieldName, _ isMeant: (ArraySlice<UInt8>) -> Bool) -> Bool {
        var isThere = false
        eachElement(name) { if isMeant($0) { isThere = true } }
        return isThere
    }

    /// The names of fields that go no further because `Connection` names them (RFC 9110 section 7.6.1). Its own words `close` and
    /// `keep-alive`, which are in most answers, are left out: fields of those names are hop-by-hop anyway.
    package var namedByConnection: FieldNames {
        var names: [FieldName] = []
        eachElement(.connection) { element in
            if ASCII.equalIgnoringCase(element, "close") || ASCII.equalIgnoringCase(element, "keep-alive") { return }
            names.append(FieldName(Array(element)))
        }
        return names.isEmpty ? .none : FieldNames(names)
    }

    private func eachElement(_ name: FieldName, _ body: (ArraySlice<UInt8>) -> Void) {
        guard summary.mayHold(name.fold) else { return }
        for span in spans where isCalled(name, span) {
            var start = span.nameEnd + 2
            for index in start...span.end where index == span.end || lines[index] == UInt8(ascii: ",") {
                let element = ASCII.trimmed(lines[start..<index])
                if !element.isEmpty { body(element) }
                start = index + 1
            }
        }
    }
}

extension HeaderFields: Equatable {
    package static func == (left: Self, right: Self) -> Bool { left.lines == right.lines }
}
