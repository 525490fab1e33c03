// Header lines in the form that libcurl takes.

internal import CCurl
internal import Model

/// A `curl_slist` of header lines. Made and freed on the loop thread.
@safe struct HeaderList {
    private(set) var head: UnsafeMutablePointer<curl_slist>?

    init() { unsafe head = nil }

    /// Adds one line; false when there is no memory. The line must hold no NUL.
    mutating func append(_ line: ArraySlice<UInt8>) -> Bool {
        var text = [CChar]()
        text.reserveCapacity(line.count + 1)
        for byte in line { text.append(CChar(bitPattern: byte)) }
        text.append(0)
        guard let longer = unsafe curl_slist_append(head, text) else { return false }
        unsafe head = longer
        return true
    }

    mutating func free() {
        unsafe curl_slist_free_all(head)
        unsafe head = nil
    }
}
