// Why a document is refused as JSON.

/// The reason a body is not the JSON object that it has to be (contract 5). None of the cases carries any of the text.
package enum JSONFault: Error, Equatable, Sendable {
    /// The bytes break the grammar of RFC 8259, or something follows the document.
    case syntax
    /// A string holds bytes that are not UTF-8.
    case invalidUTF8
    /// A `\uD800`–`\uDFFF` escape without its other half.
    case loneSurrogate
    /// Arrays and objects nested deeper than `JSONGrammar.maximumDepth`.
    case tooDeep
    /// A well-formed document whose top level is not an object.
    case notAnObject
    /// Two members of the top-level object have the same name once escapes are decoded.
    case duplicateKey
}
