// The catalogue of our own errors as `ciam-sidecar errors` prints it.

internal import Pipeline

package enum ErrorListing {
    /// A Markdown table of every error.
    package static var markdown: String { ErrorRow.markdown + "\n" }

    /// A few lines per error, for a terminal.
    /// - Parameter code: only this one, in any case, with or without `SIDECAR.`; nil for all.
    /// - Returns: nil when there is none of that code.
    package static func plain(_ code: String?) -> String? {
        let wanted = code.map { text in
            let code = text.uppercased()
            return code.hasPrefix("SIDECAR.") ? String(code.dropFirst(8)) : code
        }
        let rows = ErrorRow.all.filter { row in wanted.map { row.code.utf8.elementsEqual($0.utf8) } ?? true }
        guard !rows.isEmpty else { return nil }
        return rows.map { row in
            "\(row.status) SIDECAR.\(row.code)\n    \(row.message)\n    -> \(row.remedy.filter { $0 != "`" })\n"
        }.joined()
    }
}
