// Which id_token goes out, and until when.

import Model
import TestSupport
import Testing

@testable import Sessions

struct IDTokenBookTests {
    private let now = Timestamp.sample
    private var book = IDTokenBook()

    private func token(_ name: String, life: Duration = .seconds(7200)) throws -> IDToken {
        IDToken(text: try .sample(name), life: life)
    }

    @Test mutating func theNewestOfEachUserUntilAMinuteBeforeItsEnd() throws {
        let (alice, bob) = (try SessionKey.sample("alice"), try SessionKey.sample("bob"))
        book.learned(try token("A1"), for: alice, isLogin: true, at: now)
        book.learned(try token("A2"), for: alice, isLogin: false, at: now)
        #expect(book.current(alice, at: now) == (try token("A2")))
        #expect(book.current(bob, at: now) == nil)
        #expect(book.current(alice, at: now + .seconds(7139)) != nil)
        #expect(book.current(alice, at: now + .seconds(7140)) == nil)
    }

    /// A short life keeps nine tenths of its use.
    @Test mutating func aShortLife() throws {
        let alice = try SessionKey.sample("alice")
        book.learned(try token("A", life: .seconds(10)), for: alice, isLogin: true, at: now)
        #expect(book.current(alice, at: now + .milliseconds(8999)) != nil)
        #expect(book.current(alice, at: now + .milliseconds(9000)) == nil)
    }

    /// A clock that was set back says nothing about a token's end.
    @Test mutating func beforeItWasLearnedItIsNotGivenOut() throws {
        let alice = try SessionKey.sample("alice")
        book.learned(try token("A"), for: alice, isLogin: true, at: now)
        #expect(book.current(alice, at: now - .seconds(1)) == nil)
    }

    @Test mutating func aLoginWithoutOneEndsTheOldOneARefreshDoesNot() throws {
        let alice = try SessionKey.sample("alice")
        book.learned(try token("A"), for: alice, isLogin: true, at: now)
        book.learned(nil, for: alice, isLogin: false, at: now)
        #expect(book.current(alice, at: now) != nil)
        book.learned(nil, for: alice, isLogin: true, at: now)
        #expect(book.current(alice, at: now) == nil)
    }

    @Test mutating func aRefusalOfAnOldOneLeavesTheNewOne() throws {
        let alice = try SessionKey.sample("alice")
        book.learned(try token("A1"), for: alice, isLogin: true, at: now)
        book.learned(try token("A2"), for: alice, isLogin: false, at: now)
        book.refused(try token("A1"), of: alice)
        #expect(book.current(alice, at: now) == (try token("A2")))
        book.refused(try token("A2"), of: alice)
        #expect(book.current(alice, at: now) == nil)
    }

    /// Nobody names the user of such a session, so nobody is offered its id_token.
    @Test mutating func sessionsWithoutAUserHaveNone() throws {
        let key = SessionKey.anonymous(TokenHasher(key: Array(repeating: 1, count: 32)).hash(try .sample("T")))
        book.learned(try token("A"), for: key, isLogin: true, at: now)
        #expect(book.count == 0)
    }

    @Test mutating func aFullBookLosesThoseThatEndFirst() throws {
        for number in 0..<IDTokenBook.mostKept + 1 {
            let life = Duration.seconds(7200 + number)
            book.learned(try token("A", life: life), for: try .sample("user\(number)"), isLogin: true, at: now)
        }
        #expect(book.count == IDTokenBook.mostKept - IDTokenBook.mostKept / 8 + 1)
        #expect(book.current(try .sample("user0"), at: now) == nil)
        #expect(book.current(try .sample("user\(IDTokenBook.mostKept)"), at: now) != nil)
    }
}
