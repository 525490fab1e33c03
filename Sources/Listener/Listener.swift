// The front page of Listener: local HTTP in, answers out.
//
// Reading order: LocalListener (sockets and their end), UnixSocketFile (where one may be), ConnectionHandler (what a connection says,
// one request at a time) and ConnectionAnswers (what is said to it), RequestGate (how many requests at a time), RequestReading (a parsed
// head as a value), BodyBridge (a body on its way in), AnswerDelivery (an answer on its way out), AnswerWriter (it as bytes),
// EventLoopTasks (Swift tasks on the connection's own event loop).
//
// Who may import it: App alone. SwiftNIO is known here and in Admin, nowhere else in the product.
//
// What must never happen here: a second answer to one request; a cut answer that looks complete; more of a body read than
// its taker asked for; a connection used again whose framing is in doubt.
