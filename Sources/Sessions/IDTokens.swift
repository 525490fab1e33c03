// Gives out a user's id_token, bought first where there is none.

internal import Logging
package import Model
internal import NIOConcurrencyHelpers

/// What a call that has to carry an id_token gets.
package enum IDTokenAccess: Sendable {
    case token(IDToken, Session)
    case refused(SessionRefusal)
    /// A rotation is running and did not end in time; it goes on.
    case pending
    /// S1 failed: what the tenant said of it.
    case failed(RotationResult)
    /// S1 succeeded without an id_token.
    case missing
}

extension SessionCoordinator {
    /// The user's id_token while it is good, else a new one by one presentation of the session token, for everybody who asks.
    /// - Parameter renewal: S1.
    package func idToken(for user: UserKey, renewal: some SessionRenewal) async throws(StoreError) -> IDTokenAccess {
        let started = ContinuousClock.now
        let key = SessionKey.user(user)
        var read: StoreAnswers = [:]
        var isRenewed = false
        while true {
            guard let session = try await session(key) else { return .refused(.unknown) }
            if case .dead(let death) = session.state { return .refused(.dead(death)) }
            if let token = heldIDToken(key) { return .token(token, session) }
            if isRenewed { return .missing }
            switch step(SessionClaim(user: user, token: nil), .exchange, read, rotationTried: false) {
            case .decided(.load(let query)):
                try await load(query, &read)
                continue
            case .decided(.refuse(let refusal)): return .refused(refusal)
            case .decided(.settle(let left)):
                guard await settle(left, since: started) else { return .pending }
            case .decided(.watch(let key)):
                guard try await watch(key, since: started) else { return .pending }
            case .started(let intent, let flight):
                launch(intent, flight, renewal)
                guard let result = await flight.result(within: patience(since: started)) else { return .pending }
                if case .renewed = result {
                    isRenewed = true
                } else if let failure = result.failure, !result.asksAgain {
                    return .failed(failure)
                }
            case .flight(let flight, _):
                guard await flight.result(within: patience(since: started)) != nil else { return .pending }
            case .decided: return .refused(.unknown)
            }
            read = [:]
        }
    }

    /// The one that would go out now; nil when one has to be bought.
    package func heldIDToken(_ key: SessionKey) -> IDToken? {
        state.withLockedValue { $0.idTokens.current(key, at: clock.now()) }
    }

    /// The tenant does not take it any more.
    package func refused(_ token: IDToken, of user: UserKey) {
        state.withLockedValue { $0.idTokens.refused(token, of: .user(user)) }
    }

    /// What an answer held beside the session token.
    func noteIDToken(_ renewed: RenewedToken, for key: SessionKey, isLogin: Bool) {
        guard policy.keepsIDTokens else { return }
        state.withLockedValue { $0.idTokens.learned(renewed.idToken, for: key, isLogin: isLogin, at: clock.now()) }
    }
}
