// Typed reading of settings that collects every fault instead of stopping at the first.

internal import Configuration
internal import Model

/// What is wrong with one setting. Never holds the value of a secret.
package struct ConfigurationFault: Error, Sendable, Equatable {
    package let name: String
    package let problem: String
    package var line: String { "\(name): \(problem)" }
}

/// Reads from a set of environment variables.
struct SettingsReader {
    private let reader: ConfigReader
    private let environment: [String: String]
    private(set) var faults: [ConfigurationFault] = []

    init(environment: [String: String]) {
        self.environment = environment
        let secrets = Set(Setting.all.filter(\.isSecret).map(\.name))
        reader = ConfigReader(
            provider: EnvironmentVariablesProvider(
                environmentVariables: environment, secretsSpecifier: .specific(secrets)))
    }

    mutating func fault(_ name: String, _ problem: String) {
        faults.append(ConfigurationFault(name: "SIDECAR_" + name, problem: problem))
    }

    /// The value as it is set. Nil when it is not; empty is a fault: a variable that is there and says nothing is a mistake.
    mutating func text(_ name: String) -> String? {
        let parts = ["sidecar"] + name.lowercased().split(separator: "_").map(String.init)
        guard let value = reader.string(forKey: ConfigKey(parts.map { $0 })) else { return nil }
        guard !value.isEmpty else {
            fault(name, "is empty; remove it or give it a value")
            return nil
        }
        return value
    }

    private mutating func parsed<Value>(_ name: String, _ fallback: Value, _ form: String, _ parse: (String) -> Value?)
        -> Value
    {
        guard let text = text(name) else { return fallback }
        if let value = parse(text) { return value }
        fault(name, "is \"\(Self.shown(text))\"; it has to be \(form)")
        return fallback
    }

    mutating func flag(_ name: String, _ fallback: Bool) -> Bool {
        parsed(name, fallback, "true or false") {
            $0.utf8.elementsEqual("true".utf8) ? true : $0.utf8.elementsEqual("false".utf8) ? false : nil
        }
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _ fallback: Value) -> Value
    where Value.RawValue == String {
        parsed(name, fallback, Value.allCases.map(\.rawValue).joined(separator: " or ")) { Value(rawValue: $0) }
    }

    mutating func duration(_ name: String, _ fallback: Duration) -> Duration {
        parsed(name, fallback, "a duration such as 250ms, 8s, 5m or 12h") { Units.duration($0) }
    }

    /// Nil for `off` and when it is not set.
    mutating func durationOrOff(_ name: String) -> Duration? {
        guard let text = text(name), !text.utf8.elementsEqual("off".utf8) else { return nil }
        if let duration = Units.duration(text) { return duration }
        fault(name, "is \"\(Self.shown(text))\"; it has to be off or a duration such as 30m or 12h")
        return nil
    }

    mutating func size(_ name: String, _ fallback: Int) -> Int {
        parsed(name, fallback, "a size such as 4096, 64KiB, 1MiB or 1GiB") { Units.size($0) }
    }

    /// A whole number of at least 1.
    mutating func count(_ name: String, _ fallback: Int) -> Int {
        parsed(name, fallback, "a whole number above zero, in digits alone") { text in
            ASCII.decimal(Array(text.utf8)[...]).flatMap { $0 > 0 ? $0 : nil }
        }
    }

    /// Comma-separated, white space dropped, empty elements refused.
    mutating func list(_ name: String) -> [String] {
        guard let text = text(name) else { return [] }
        let items = text.split(separator: ",", omittingEmptySubsequences: false).map {
            String(decoding: ASCII.trimmed(Array($0.utf8)[...]), as: UTF8.self)
        }
        if items.contains(where: \.isEmpty) { fault(name, "has an empty element; separate values with single commas") }
        return items.filter { !$0.isEmpty }
    }

    /// The secret itself or the content of the file that `…_FILE` names; both set is a fault.
    mutating func secret(_ name: String) -> [UInt8]? {
        let file = text(name + "_FILE")
        if let value = text(name) {
            if file != nil { fault(name, "and \("SIDECAR_" + name)_FILE are both set; keep one") }
            return Array(value.utf8)
        }
        guard let file else { return nil }
        do { return try SecretFile(path: file).read() } catch {
            fault(name + "_FILE", error.problem)
            return nil
        }
    }

    /// A secret that goes into a header: visible ASCII.
    mutating func secretText(_ name: String) -> SecretText? {
        guard let bytes = secret(name) else { return nil }
        if let secret = SecretText(bytes) { return secret }
        fault(name, "holds white space or characters beyond ASCII")
        return nil
    }

    /// Names with our prefix that mean nothing, each with the nearest real one.
    mutating func refuseUnknownNames() {
        let known = Setting.all.flatMap { $0.isSecret ? [$0.name, $0.name + "_FILE"] : [$0.name] }
        for name in environment.keys.sorted() where name.utf8.starts(with: "SIDECAR_".utf8) && !known.contains(name) {
            let nearest = known.min { Units.distance(name, $0) < Units.distance(name, $1) } ?? ""
            let hint =
                Units.distance(name, nearest) <= 4 ? "did you mean \(nearest)?" : "`ciam-sidecar config` lists them"
            faults.append(ConfigurationFault(name: Self.shown(name), problem: "is not a setting; \(hint)"))
        }
    }

    /// A value in a message: short and printable.
    private static func shown(_ text: String) -> String {
        String(
            decoding: text.utf8.prefix(60).map { VisibleASCII.contains($0) || $0 == 0x20 ? $0 : UInt8(ascii: "?") },
            as: UTF8.self)
    }
}
