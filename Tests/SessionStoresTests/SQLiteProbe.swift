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

/// The one number that a query returns.
func sqliteNumber(_ path: String, _ sql: String) throws -> Int {
    var handle: OpaquePointer?
    var statement: OpaquePointer?
    defer {
        unsafe sqlite3_finalize(statement)
        unsafe sqlite3_close_v2(handle)
    }
    let opened = unsafe sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil)
    let prepared = unsafe sqlite3_prepare_v3(handle, sql, -1, 0, &statement, nil)
    let stepped = unsafe sqlite3_step(statement)
    try #require(opened == SQLITE_OK && prepared == SQLITE_OK && stepped == SQLITE_ROW, "\(sql): \(opened) \(prepared)")
    return unsafe Int(sqlite3_column_int64(statement, 0))
}
