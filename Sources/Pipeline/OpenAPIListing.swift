// The calls of the local API as a table for people, read from the OpenAPI document itself.

internal import JSONText

package enum OpenAPIListing {
    /// The document as it is served.
    package static let document = OpenAPIDocument.text

    /// A Markdown table: a line for each call.
    package static var markdown: String {
        var lines = ["| call | what it does | answers |", "|---|---|---|"]
        guard let document = try? JSONObject(Array(document.utf8)), let paths = object(document, "paths") else {
            return ""
        }
        for path in paths.members {
            guard let item = try? JSONObject(Array(paths.text[path.value])) else { continue }
            for method in item.members where method.kind == .object {
                guard let call = try? JSONObject(Array(item.text[method.value])) else { continue }
                let name = text(item.name(method)).uppercased() + " " + text(paths.name(path))
                let responses = object(call, "responses")
                let statuses = responses?.members.compactMap { responses?.name($0) }.map { text($0) } ?? []
                let answers = statuses.map { $0.utf8.elementsEqual("default".utf8) ? "other errors" : $0 }
                lines.append(
                    "| `\(name)` | \(text(call.string("summary") ?? [])) | \(answers.joined(separator: ", ")) |")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func object(_ parent: JSONObject, _ name: StaticString) -> JSONObject? {
        parent.spelling(name).flatMap { try? JSONObject(Array($0)) }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
