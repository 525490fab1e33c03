// The front page of Sidecar: the command line of `ciam-sidecar`.
//
// Reading order: SidecarCommand (the commands), ServeCommand, then one file for each of the others, Environment (the one place
// that touches the process environment), ProcessHardening.
//
// Who may import it: nobody. It imports App and the argument parser.
//
// What must never happen here: a decision that is not about arguments, exit codes or what is printed.
