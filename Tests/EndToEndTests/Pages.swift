// README and documentation as text: headings, links, blocks.

import FoundationEssentials
import TestSupport
import Testing

/// One Markdown file.
struct Page: Sendable, CustomTestStringConvertible {
    /// A fenced block.
    struct Block: Sendable {
        let language: String
        let lines: [String]
    }

    /// From the folder of Package.swift.
    let path: String
    let text: String
    let blocks: [Block]
    /// What stands outside of blocks.
    let prose: [String]

    var testDescription: String { path }

    static let folder = "Sources/Sidecar/Documentation.docc"

    /// README and every page.
    static let all: [Page] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: Repository.root + "/" + folder)) ?? []
        let pages = files.filter { $0.hasSuffix(".md") }.sorted().map { folder + "/" + $0 }
        return (["README.md"] + pages).compactMap { try? Page($0) }
    }()

    /// The page of that name in the documentation.
    static func named(_ name: String) throws -> Page { try Page("\(folder)/\(name).md") }

    init(_ path: String) throws {
        self.path = path
        text = try Repository.text(path)
        var blocks: [Block] = []
        var prose: [String] = []
        var open: (language: String, indent: Int, lines: [String])?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            let bare = line.drop { $0 == " " }
            if let block = open {
                if bare.hasPrefix("```") {
                    blocks.append(Block(language: block.language, lines: block.lines))
                    open = nil
                } else {
                    open?.lines.append(String(line.dropFirst(min(block.indent, line.count - bare.count))))
                }
            } else if bare.hasPrefix("```") {
                open = (String(bare.dropFirst(3)), line.count - bare.count, [])
            } else {
                prose.append(line)
            }
        }
        try #require(open == nil, "\(path): a block does not end")
        (self.blocks, self.prose) = (blocks, prose)
    }

    /// What a link has to say behind `#` to come to each heading.
    var anchors: Set<String> {
        Set(
            prose.filter { $0.hasPrefix("#") }.map { heading in
                heading.drop { $0 == "#" }.dropFirst().lowercased()
                    .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == " " }
                    .replacing(" ", with: "-")
            })
    }

    /// The target of every link to something in the repository.
    var links: [String] {
        prose.flatMap { line in line.matches(of: #/\]\(([^)\s]+)\)/#).map { String($0.1) } }
            .filter { !$0.contains("://") }
    }

    /// What the program has to print, and what stands between the marks.
    var printed: [(arguments: String, lines: [String])] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return lines.enumerated().compactMap { index, line in
            guard let name = line.wholeMatch(of: #/<!-- (.*): printed by the program -->/#)?.1 else { return nil }
            let rest = lines[(index + 1)...]
            let end = rest.firstIndex(of: "<!-- end of \(name) -->") ?? rest.endIndex
            return (String(name), Array(rest[..<end]))
        }
    }
}

extension Repository {
    /// A file of the repository.
    static func text(_ path: String) throws -> String {
        let content = try #require(FileManager.default.contents(atPath: root + "/" + path), "\(path) is not there")
        return TestSupport.text(Array(content))
    }

    static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

    /// Every file below a folder, from the folder of Package.swift, without what a build has left there.
    static func files(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root + "/" + folder).map { folder + "/" + $0 }
            .filter { path in
                var isFolder = false
                return !path.contains("/obj/") && !path.contains("/bin/") && !path.contains("/__pycache__/")
                    && FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isFolder) && !isFolder
            }
    }
}
