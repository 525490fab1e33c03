// The session store of a configuration, opened.

internal import Logging
internal import Model
internal import SessionStores
internal import Telemetry

/// A store and what is done with it beside its port.
struct OpenStore: Sendable {
    let store: any SessionStore
    /// Ends it after what waits now.
    var close: @Sendable () async -> Void = {}
    /// Takes over secrets and certificates that have changed.
    var reload: @Sendable (SidecarConfiguration) -> Void = { _ in }

    /// Opens it. A server that cannot be reached is waited for until the task is cancelled.
    /// - Parameter waits: told why nothing goes on.
    /// - Throws: `StartFailure` when waiting does not help.
    static func open(
        _ configuration: SidecarConfiguration, metrics: SidecarMetrics, logger: Logger,
        waits: @escaping @Sendable (StoreTrouble?) -> Void
    ) async throws(StartFailure) -> OpenStore {
        let clock = SystemClock()
        let troubles = StoreTrouble.allCases.map(\.rawValue)
        metrics.storeTroubleIs(nil, of: troubles)
        let damaged: @Sendable () -> Void = {
            metrics.damagedRecordSkipped()
            logger.error("a stored session is damaged and was skipped; its user has to log in again")
        }
        switch configuration.store {
        case .memory:
            logger.notice("sessions are kept in memory only and are gone at exit")
            return OpenStore(store: MemoryStore(clock: clock))
        case .sqlite(let path):
            do throws(StoreOpenError) {
                let store = try SQLiteStore(
                    path: path, key: configuration.storeKey, oldKeys: configuration.storeOldKeys, onDamage: damaged)
                return OpenStore(store: store, close: { await store.close() })
            } catch { throw .store(error) }
        case .redis(let settings):
            do throws(StoreOpenError) {
                let store = try await RedisStore.open(
                    settings, key: configuration.storeKey ?? [], oldKeys: configuration.storeOldKeys, clock: clock
                ) { event in
                    switch event {
                    case .damage: damaged()
                    case .mayEvict:
                        logger.warning(
                            "the store may throw sessions away when its memory is full; set its maxmemory-policy to noeviction"
                        )
                    case .trouble(let trouble):
                        metrics.storeTroubleIs(trouble?.rawValue, of: troubles)
                        waits(trouble)
                        if let trouble {
                            logger.error(
                                "the store cannot be used; trying again",
                                metadata: ["store": "\(settings.text)", "reason": "\(trouble.rawValue)"])
                        } else {
                            logger.notice("the store can be used", metadata: ["store": "\(settings.text)"])
                        }
                    }
                }
                return OpenStore(
                    store: store, close: { await store.close() },
                    reload: { if case .redis(let settings) = $0.store { store.replace(settings) } })
            } catch { throw .store(error) }
        }
    }
}
