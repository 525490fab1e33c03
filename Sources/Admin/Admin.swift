// The front page of Admin: the port for those who run the sidecar, not for the application.
//
// Reading order: AdminListener (the server), AdminPages (what each path answers), Readiness, StatusSnapshot (`/status`),
// status.html (the page that shows it).
//
// Who may import it: App.
//
// What must never happen here: a secret, a user's name, or anything of the data plane.
