// Front page of the `tenant-emulator` command.
//
// What lives here: the options of the command and its life as a process, nothing else; the emulator itself is the
// library `TenantEmulator`.
//
// Reading order: `EmulatorCommand` (options, start, wait, stop), `StopSignals` (SIGTERM and SIGINT as an event).
//
// What must never happen: a secret or token on standard output or standard error; a ready line before both listeners
// are bound; an exit status other than 0 after a plain SIGTERM.
