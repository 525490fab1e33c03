// The wall to SQLite's C API: one connection, its prepared statements, and errors as codes.

internal import CSQLite
internal import Model

/// A column or parameter value.
enum SQLiteValue: Sendable {
    case blob([UInt8])
    case integer(Int64)
    case null
}

/// One connection. Never used by two threads at a time.
@safe final class SQLiteConnection {
    private let handle: OpaquePointer
    /// By where their text is: every statement is a literal of the program.
    private var statements: [UInt: OpaquePointer]

    /// Once in the process.
    private static let isPrepared = csqlite_count_no_memory() == SQLITE_OK

    static var libraryVersion: String { unsafe String(cString: sqlite3_libversion()) }

    /// SQLite's code for a file that is something else.
    static let notADatabase = SQLITE_NOTADB

    /// Opens an existing file for reading and writing.
    /// - Throws: SQLite's extended result code.
    init(path: String, readOnly: Bool) throws(StoreOpenError) {
        _ = Self.isPrepared
        var opened: OpaquePointer?
        let flags =
            (readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened = unsafe opened else {
            unsafe sqlite3_close_v2(opened)
            throw .unusable(path: path, code: code)
        }
        unsafe handle = opened
        unsafe statements = [:]
        unsafe sqlite3_busy_timeout(handle, 5000)
    }

    /// Ends the connection. Nothing may be called after it.
    func close() {
        while let (_, statement) = unsafe statements.popFirst() { unsafe sqlite3_finalize(statement) }
        unsafe sqlite3_close_v2(handle)
    }

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws(StoreError) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw .failed(operation: "execute", code: code) }
    }

    /// Runs one statement with its parameters and returns all rows.
    @discardableResult
    func run(_ sql: StaticString, _ parameters: [SQLiteValue] = []) throws(StoreError) -> [[SQLiteValue]] {
        let statement = try unsafe prepared(sql)
        defer { unsafe sqlite3_reset(statement) }
        for (index, parameter) in parameters.enumerated() {
            let code =
                switch parameter {
                case .blob(let bytes):
                    unsafe csqlite_bind_blob(statement, Int32(index + 1), bytes, Int32(clamping: bytes.count))
                case .integer(let number): unsafe sqlite3_bind_int64(statement, Int32(index + 1), number)
                case .null: unsafe sqlite3_bind_null(statement, Int32(index + 1))
                }
            guard code == SQLITE_OK else { throw .failed(operation: "bind", code: code) }
        }
        var rows: [[SQLiteValue]] = []
        while true {
            let code = unsafe sqlite3_step(statement)
            if code == SQLITE_DONE { return rows }
            guard code == SQLITE_ROW else { throw .failed(operation: "step", code: code) }
            unsafe rows.append((0..<sqlite3_column_count(statement)).map { unsafe column(statement, $0) })
        }
    }

    /// All of `work` or, if it throws, nothing of it.
    func transaction<Value>(_ work: (SQLiteConnection) throws(StoreError) -> Value) throws(StoreError) -> Value {
        try execute("BEGIN IMMEDIATE")
        do {
            let value = try work(self)
            try execute("COMMIT")
            return value
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    /// How many rows the last `INSERT`, `UPDATE` or `DELETE` has changed.
    var changes: Int { unsafe Int(sqlite3_changes(handle)) }

    private func prepared(_ sql: StaticString) throws(StoreError) -> OpaquePointer {
        let place = UInt(bitPattern: unsafe sql.utf8Start)
        if let statement = unsafe statements[place] { return unsafe statement }
        var statement: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(
            handle, "\(sql)", -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement = unsafe statement else {
            throw .failed(operation: "prepare", code: code)
        }
        unsafe statements[place] = statement
        return unsafe statement
    }

    private func column(_ statement: OpaquePointer, _ index: Int32) -> SQLiteValue {
        switch unsafe sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return unsafe .integer(sqlite3_column_int64(statement, index))
        // A text stands where a record should only in a damaged file: its bytes are judged like any others.
        case SQLITE_BLOB, SQLITE_TEXT:
            let count = unsafe Int(sqlite3_column_bytes(statement, index))
            guard count > 0, let start = unsafe sqlite3_column_blob(statement, index) else { return .blob([]) }
            return unsafe .blob(Array(UnsafeRawBufferPointer(start: start, count: count)))
        default: return .null
        }
    }
}
