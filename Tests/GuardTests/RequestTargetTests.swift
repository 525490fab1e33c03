// Which targets are targets, and which paths can be read in one way only.

import Guard
import TestSupport
import Testing

struct RequestTargetTests {
    @Test(arguments: [
        ("/", "/", ""), ("/a/b?c=/../d", "/a/b", "c=/../d"), ("/a?", "/a", ""), ("http://h:1/a?b", "/a", "b"),
        ("HTTPS://H/a", "/a", ""),
    ])
    func takenApart(_ target: String, _ path: String, _ query: String) throws {
        let parsed = try #require(RequestTarget(bytes(target)))
        #expect(text(parsed.path) == path)
        #expect(text(parsed.query) == query)
    }

    @Test(arguments: [
        "", "*", "a/b", "//", "http://", "http:///a", "http://h", "ftp://h/a", "/a b", "/a#b", "/é", "/a\u{7F}", "h:1",
    ])
    func notATarget(_ target: String) {
        if target == "//" {
            #expect(RequestTarget(bytes(target))?.isUnambiguous == false)
        } else {
            #expect(RequestTarget(bytes(target)) == nil)
        }
    }

    @Test(arguments: ["/", "/api/v2/tenant/x", "/a%20b", "/a.b/..c/...", "/%41", "/a/", "/~a/b:c@d&e=f+g,h!$'()*"])
    func unambiguous(_ path: String) { #expect(RequestTarget(bytes(path))?.isUnambiguous == true) }

    @Test(arguments: [
        "/.", "/..", "/a/./b", "/a/../b", "/a/..", "//a", "/a//b", "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/a;b",
        "/..;/a", "/a%3bb",
        "/%2e%2e/a", "/.%2E/a", "/%252e%252e/a", "/a%00", "/a%0ab", "/a%7f", "/a%", "/a%4", "/a%zz", "/%2e",
    ])
    func ambiguous(_ path: String) { #expect(RequestTarget(bytes(path))?.isUnambiguous == false) }
}
