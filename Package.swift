// swift-tools-version: 6.2
// Targets are the walls of this program: a target that is not listed as a dependency cannot be imported.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

/// A program that nothing links against: no names for others, equal functions once. A seventh smaller. What runs often stands together
/// where the compiler knows it (deploy/release.json).
let small: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "--icf=safe", "-Xlinker", "-z",
            "-Xlinker", "keep-text-section-prefix",
        ], .when(configuration: .release))
]

/// What takes the place of the C library's allocator: an eighth less CPU for a request (see Evidence).
let allocator = LinkerSetting.linkedLibrary("mimalloc")

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let locks = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

/// A room of the program: a library target with the strict settings.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one room.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "ciam-sidecar",
    products: [
        .executable(name: "ciam-sidecar", targets: ["Sidecar"]),
        .executable(name: "tenant-emulator", targets: ["TenantEmulatorCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.0", traits: []),
    ],
    targets: [
        // The program, from the outside in.
        .executableTarget(
            name: "Sidecar", dependencies: ["App", "CProcess", arguments, logging], swiftSettings: strict,
            linkerSettings: [allocator] + small),
        room(
            "App",
            [
                "Model", "Admin", "Listener", "Pipeline", "Guard", "Injection", "AccessTokens", "Tenant", "Sessions",
                "SessionStores", "SessionEnvelope", "CurlTransport", "Telemetry", "JSONText", "CProcess", nio, nioPosix,
                locks, logging,
                signals, configuration,
            ]),
        .target(
            name: "Admin", dependencies: ["Model", "Guard", "JSONText", "Telemetry", nio, nioPosix, nioHTTP1],
            resources: [.embedInCode("status.html")], swiftSettings: strict),
        room("Listener", ["Model", "CProcess", "Guard", "HTTP1", "Pipeline", nio, nioPosix, locks, deque]),
        room(
            "Pipeline",
            [
                "Model", "JSONText", "Guard", "Injection", "AccessTokens", "Tenant", "Sessions", "SessionEnvelope",
                "Telemetry", locks, logging,
            ]),
        room("Guard", ["Model"]),
        room("Injection", ["Model", "JSONText", "Tenant", nio]),
        room("AccessTokens", ["Model", "JSONText", "Tenant", "Telemetry", locks, logging]),
        room("Tenant", ["Model", "JSONText"]),
        room("Sessions", ["Model", "Telemetry", locks, logging, crypto, deque]),
        room("SessionEnvelope", ["Model", "JSONText", locks, cryptoExtras]),
        room("SessionStores", ["Model", "Telemetry", "CSQLite", "CHiredis", nio, nioPosix, nioSSL, locks, crypto]),
        room("CurlTransport", ["Model", "HTTP1", "CCurl", "CPoll", nio, nioPosix, locks, deque]),
        room("HTTP1", ["Model"]),
        room("Telemetry", [coreMetrics, locks]),
        room("JSONText", []),
        room("Model", []),

        // C, one room each.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CProcess"),
        .systemLibrary(name: "CPoll"),
        // Without its pkg-config: that names a flag which the package manager refuses.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

        // A tenant to try the sidecar against. It imports nothing of the program above, so that one error cannot
        // hide in both.
        room(
            "TenantEmulator",
            [
                nio, nioPosix, nioHTTP1, locks, crypto, cryptoExtras,
                nioSSL, .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
            ]),
        .executableTarget(
            name: "TenantEmulatorCommand", dependencies: ["TenantEmulator", arguments], swiftSettings: strict),

        // What several test targets share.
        .target(
            name: "TestSupport",
            dependencies: [
                "Model", "Guard", "Tenant", "Injection", "AccessTokens", "Sessions", "SessionStores", "Pipeline", nio,
                nioPosix, nioHTTP1,
                locks,
                logging, subprocess,
            ],
            path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "FuzzChecks", dependencies: ["Model", "Guard", "HTTP1", "Injection", "JSONText", "Tenant"],
            path: "Tests/FuzzChecks", swiftSettings: strict),
        tests("FuzzChecksTests", ["TestSupport", "FuzzChecks"]),
        .target(
            name: "BenchmarkCases",
            dependencies: [
                "TestSupport", "Model", "HTTP1", "Injection", "JSONText", "Tenant", "Sessions", "SessionStores",
                "Pipeline", locks,
            ],
            path: "Tests/Benchmarks/Cases", swiftSettings: strict),
        tests("BenchmarkTests", ["TestSupport", "BenchmarkCases"]),
        tests("TenantEmulatorTests", ["TenantEmulator", subprocess]),
        tests("TelemetryTests", ["TestSupport", "Telemetry", coreMetrics]),
        tests("JSONTextTests", ["TestSupport", "JSONText"]),
        tests("ModelTests", ["TestSupport", "Model"]),
        tests(
            "HTTP1Tests",
            ["TestSupport", "HTTP1", "Model", nio, nioHTTP1, .product(name: "NIOEmbedded", package: "swift-nio")]),
        tests("GuardTests", ["TestSupport", "Guard", "Model"]),
        tests("TenantTests", ["TestSupport", "Tenant", "JSONText", "Model"]),
        tests("InjectionTests", ["TestSupport", "Injection", "Tenant", "TenantEmulator", "JSONText", "Model"]),
        tests("SessionsTests", ["TestSupport", "Sessions", "SessionStores", "Model"]),
        tests("RotationExplorerTests", ["TestSupport", "Sessions", "SessionStores", "Model"]),
        tests("SessionEnvelopeTests", ["TestSupport", "SessionEnvelope", "Model", locks, cryptoExtras]),
        tests(
            "SessionStoresTests",
            ["TestSupport", "SessionStores", "CSQLite", "Model", locks, subprocess, nio, nioPosix]),
        tests(
            "CurlTransportTests",
            [
                "TestSupport", "CurlTransport", "Listener", "TenantEmulator", "Model", nio, nioPosix, nioSSL, locks,
                subprocess,
            ]),
        tests(
            "PipelineTests",
            [
                "TestSupport", "Pipeline", "AccessTokens", "Guard", "Sessions", "Telemetry", "Tenant", "JSONText",
                "Model",
                cryptoExtras,
            ]),
        tests("ListenerTests", ["TestSupport", "Listener", "Guard", "JSONText", "Sessions", "Model", nioPosix, locks]),
        tests(
            "AppTests",
            ["TestSupport", "App", "CurlTransport", "Listener", "Guard", "Sessions", "SessionStores", "Model", logging]),
        tests("EndToEndTests", ["TestSupport", "Sidecar", "TenantEmulatorCommand", subprocess, locks, nio, nioPosix]),
        tests("AccessTokensTests", ["TestSupport", "AccessTokens", "Model", locks, logging]),
    ]
)

// Built by Tests/Benchmarks/micro.sh alone.
if Context.environment["BENCHMARKS"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Benchmarks", dependencies: ["BenchmarkCases", "TestSupport"], path: "Tests/Benchmarks/Entry",
            swiftSettings: strict))
}

// Built by Tests/Fuzzing/fuzz.sh alone: it needs libFuzzer.
if Context.environment["FUZZING"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzzing", dependencies: ["FuzzChecks"], path: "Tests/Fuzzing/Entry",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
