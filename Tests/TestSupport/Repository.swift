// Where the sources are, for tests that hold files of the repository against the program.

package enum Repository {
    /// The folder of Package.swift, without a slash at its end.
    package static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")
}
