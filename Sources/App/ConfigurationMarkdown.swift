// The documentation's table of settings, printed by the program itself.

extension Setting {
    /// A Markdown table of every setting.
    package static var markdown: String {
        var text = "| variable | default | meaning |\n|---|---|---|\n"
        for setting in all {
            let name = setting.isSecret ? "`\(setting.name)` or `…_FILE`" : "`\(setting.name)`"
            text += "| \(name) | \(setting.fallback.isEmpty ? "" : "`\(setting.fallback)`") | \(setting.meaning) |\n"
        }
        return text
    }

    /// One line per setting, for a terminal.
    package static var plain: String {
        all.map { setting in
            "\(setting.name)\(setting.isSecret ? " or …_FILE" : "")\n    \(setting.meaning)\(setting.fallback.isEmpty ? "" : " [\(setting.fallback)]")\n"
        }.joined()
    }
}
