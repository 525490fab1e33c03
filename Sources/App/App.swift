// The front page of App: reads the configuration and puts the rooms together.
//
// Reading order: Setting (every setting there is, as a table), SettingsReader (typed reading that collects every fault),
// SidecarConfiguration (what the rooms get) and ConfigurationReading with ListenReading and UpstreamReading, SecretFiles, Assembly (the
// only place that names every concrete type), SidecarRun (start, serve, drain), ServiceManager, StatusReading and ProcessStatus (what
// the admin port shows), LogLines, Doctor and HealthProbe, OfflineExplanation, the listings that the command line prints, HostFacts.
//
// Who may import it: Sidecar alone.
//
// What must never happen here: a fault reported alone while others wait; a secret in a fault, a log line or the environment after
// reading; a rule of any other room.
