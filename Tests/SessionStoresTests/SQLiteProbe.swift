// SQLite from the outside, for tests that meddle with a closed store.

import CSQLite
import Testing

/// Runs statements on the file.
func sqlite(_ path: String, _ sql: String) async throws {
    var handle: OpaquePointer?
    let opened = unsafe sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil)
    let ran = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    unsafe sqlite3_close_v2(handle)
    try #require(opened == SQLITE_OK && ran == SQLITE_OK, "\(sql): \(opened) \(ran)")
}
