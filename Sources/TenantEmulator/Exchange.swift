// One request of the tenant's listener, from arrival to answer, with the fault that meets it.
import NIOCore

/// Lives on the event loop of its connection.
final class Exchange {
    private let desk: TenantDesk
    private let call: TenantCall
    private let loop: any EventLoop
    private let outlet: any AnswerOutlet
    private let number: Int
    private let fault: Fault?
    private var isOver = false

    init(_ call: TenantCall, desk: TenantDesk, loop: any EventLoop, outlet: any AnswerOutlet) {
        self.desk = desk
        self.call = call
        self.loop = loop
        self.outlet = outlet
        (self.number, self.fault) = desk.arrived(call)
    }

    func start() {
        switch fault?.kind {
        case nil: send(.whole(process()))
        case .delay(let pause): later(pause) { self.processLate() }
        case .hold: parked { self.processLate() }
        case .resetBefore: send(.reset, outcome: "unprocessed")
        case .raw(let text, let filler): send(.raw(text, filler: filler), outcome: "unprocessed")
        case .status(let replaced): send(.whole(replaced.answer(outcome: "unprocessed")), outcome: "unprocessed")
        case .delayAfter(let pause):
            let answer = process()
            later(pause) { self.send(.whole(answer)) }
        case .holdAfter:
            let answer = process()
            parked { self.send(.whole(answer)) }
        case .resetAfter:
            _ = process()
            send(.reset)
        case .truncate(let bytes): send(.cut(process(), bodyBytes: bytes))
        case .drip(let pause): send(.slowly(process(), pause: TimeAmount(pause)))
        case .statusAfter(let replaced): send(.whole(replaced.answer(outcome: process().outcome)))
        }
    }

    /// The caller has gone: its presentation is no longer in the air, whatever is still to be processed.
    func abandoned() {
        finish(status: nil)
    }

    private func process() -> TenantAnswer {
        desk.process(call, number: number)
    }

    private func processLate() {
        if outlet.isGone, fault?.dropsAbandoned == true {
            return desk.answered(number: number, status: nil, outcome: "dropped")
        }
        send(.whole(process()))
    }

    private func send(_ delivery: Delivery, outcome: String? = nil) {
        let status: Int? =
            switch delivery {
            case .whole(let answer), .cut(let answer, _), .slowly(let answer, _): answer.status
            case .raw, .reset: nil
            }
        outlet.deliver(delivery) { self.finish(status: self.outlet.isGone ? nil : status, outcome: outcome) }
    }

    private func finish(status: Int?, outcome: String? = nil) {
        guard !isOver else { return }
        isOver = true
        desk.answered(number: number, status: status, outcome: outcome)
    }

    private func later(_ pause: Duration, _ body: @escaping () -> Void) {
        loop.assumeIsolated().scheduleTask(in: TimeAmount(pause), body)
    }

    private func parked(_ body: @escaping () -> Void) {
        desk.parking.park(on: loop).assumeIsolated().whenSuccess(body)
    }
}

/// Answers the tenant's listener.
struct TenantResponder: Responder {
    let desk: TenantDesk

    func respond(
        to request: ReceivedRequest, on loop: any EventLoop, through outlet: any AnswerOutlet
    ) -> (() -> Void) {
        let exchange = Exchange(TenantCall(request, opener: desk.envelopes), desk: desk, loop: loop, outlet: outlet)
        exchange.start()
        return { exchange.abandoned() }
    }
}
