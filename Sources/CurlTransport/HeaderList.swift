// Header lines in the form that libcurl takes.

internal import CCurl
internal import Model

/// A `curl_slist` of lines.
@safe struct HeaderList {
    private(set) var head: UnsafeMutablePointer<curl_slist>?

    init() { unsafe head = nil }

    /// Adds one line; false when there is no memory. The line must hold no NUL.
    mutating func append(_ line: ArraySlice<UInt8>) -> Bool {
        var text: [UInt8] = []
        text.reserveCapacity(line.count + 1)
        text += line
        text.append(0)
        let added = unsafe text.withUnsafeBufferPointer { text in
            unsafe text.withMemoryRebound(to: CChar.self) { unsafe curl_slist_append(head, $0.baseAddress) }
        }
        guard let longer = unsafe added else { return false }
        unsafe head = longer
        return true
    }

    mutating func free() {
        unsafe curl_slist_free_all(head)
        unsafe head = nil
    }
}
