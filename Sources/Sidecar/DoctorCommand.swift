// `ciam-sidecar doctor`: does everything that the sidecar needs work?

import App
import ArgumentParser

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at name, network, TLS, clock, access token, store and ports.",
        discussion: """
            Each step is told as it is done, with what to do about it if it is wrong. Fetches one access token if that is \
            configured; changes nothing. Ends with 0 or 1, with 78 if the configuration itself is wrong.
            """)

    func run() async {
        let settings: SidecarConfiguration
        do { settings = try SidecarConfiguration(environment: Environment.read()) } catch {
            Ending.fail(error.faults.map(\.line), code: 78)
        }
        Self.tell("configuration", .fine(settings.summary))
        let isFine = await Doctor(settings, told: Self.tell).examine()
        print(isFine ? "\nnothing is wrong" : "\nsomething is wrong, see above")
        if !isFine { Ending.leave(1) }
    }

    @Sendable private static func tell(_ step: String, _ finding: Doctor.Finding) {
        let name = step + String(repeating: " ", count: max(1, 15 - step.utf8.count))
        switch finding {
        case .fine(let text): print("\(name)ok       \(text)")
        case .odd(let text): print("\(name)note     \(text)")
        case .skipped(let text): print("\(name)skipped  \(text)")
        case .wrong(let text, let fix): print("\(name)WRONG    \(text)\n               ->       \(fix)")
        }
        // A person waits for each line.
        fflush(nil)
    }
}
