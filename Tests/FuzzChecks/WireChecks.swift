// The codec of HTTP/1.1 under the fuzzer: the same bytes mean the same however they come.

internal import HTTP1
internal import Model

enum WireChecks {
    /// What a reader made of bytes: parts with bodies joined, and the fault that ended it.
    private struct Reading: Equatable {
        var parts: [[UInt8]] = []
        var body: [UInt8] = []
        var fault: HTTP1Fault?

        mutating func end(_ part: [UInt8]) {
            parts += [body, part]
            body = []
        }
    }

    /// Whole, and cut in three, wherever.
    static func requests(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return }
        let message = Array(bytes.dropFirst(2))
        let cuts = [Int(bytes[0]), Int(bytes[1])].map { message.isEmpty ? 0 : $0 % message.count }.sorted()
        let whole = reading([message])
        let pieces = reading([
            Array(message[..<cuts[0]]), Array(message[cuts[0]..<cuts[1]]), Array(message[cuts[1]...]),
        ])
        precondition(whole.parts == pieces.parts && whole.fault == pieces.fault)
        precondition(whole == reading(message.map { [$0] }))
    }

    private static func reading(_ pieces: [[UInt8]]) -> Reading {
        var (reader, reading) = (RequestReader(), Reading())
        do throws(HTTP1Fault) {
            for piece in pieces {
                reader.append(piece)
                while let part = try reader.next() {
                    switch part {
                    case .head(let head):
                        checkLines(head.fields)
                        precondition(head.target.allSatisfy { (0x21...0x7E).contains($0) })
                        reading.end(head.method + [0x20] + head.target + [0x20] + head.fields.lines)
                    case .body(let piece):
                        precondition(!piece.isEmpty)
                        reading.body += piece
                    case .end(let trailers):
                        checkLines(trailers)
                        reading.end(trailers.lines)
                    }
                }
            }
        } catch { reading.fault = error }
        return reading
    }

    static func answers(_ bytes: [UInt8]) {
        guard let choice = bytes.first else { return }
        let message = Array(bytes.dropFirst())
        let isHead = choice.isMultiple(of: 2)
        let whole = answer([message], isHead)
        precondition(whole == answer(message.map { [$0] }, isHead))
    }

    private static func answer(_ pieces: [[UInt8]], _ isHead: Bool) -> Reading {
        var reader = AnswerReader(isHead: isHead)
        var reading = Reading()
        var (inbox, position): ([UInt8], Int) = ([], 0)
        do throws(HTTP1Fault) {
            for piece in pieces {
                inbox += piece
                while let part = try reader.next(inbox, &position, upTo: inbox.count) {
                    switch part {
                    case .head:
                        precondition((200...599).contains(reader.status))
                        checkLines(reader.fields)
                        reading.end([UInt8(reader.status / 100)] + reader.fields.lines)
                    case .body(let range): reading.body += inbox[range]
                    case .end:
                        checkLines(reader.trailers)
                        reading.end(reader.trailers.lines)
                        return reading
                    }
                }
            }
        } catch { reading.fault = error }
        return reading
    }

    /// What was taken for fields can be written as it is: no line end, no NUL but between lines, every line a name and a value.
    private static func checkLines(_ fields: HeaderFields) {
        for index in 0..<fields.count {
            let field = fields[index]
            precondition(!field.name.isEmpty && field.name.allSatisfy(ASCII.isTokenCharacter))
            precondition(field.value.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            precondition(ASCII.trimmed(field.value) == field.value)
        }
    }
}
