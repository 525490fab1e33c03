// One request and its answer on a connection of the direct lane, as far as it goes without waiting.

internal import CCurl
internal import HTTP1
internal import Model

extension DirectLane {
    /// Of TLS, whenever something has come: no connection keeps the others waiting, and what has come is still in the processor's caches
    /// when it is passed on.
    private static let recordsTogether = 4

    mutating func begin(_ transfer: DirectTransfer, on connection: DirectConnection) {
        guard transfer.aboutToSend() else {
            makeIdle(connection)
            return transfer.end(CURLE_ABORTED_BY_CALLBACK)
        }
        connection.take(transfer)
        busy[transfer.id] = connection
        send(connection)
        announce(connection)
        transfer.flush(at: now)
    }

    mutating func move(_ connection: DirectConnection) {
        guard let transfer = connection.transfer else { return }
        if connection.sendFault == nil, !transfer.isSent {
            send(connection)
            guard connection.transfer === transfer else { return announce(connection) }
            // What a failed send has read of the answer is all there was.
            if connection.sendFault != nil {
                announce(connection)
                return transfer.flush(at: now)
            }
        }
        receive(connection, transfer)
        announce(connection)
        if connection.transfer === transfer { transfer.flush(at: now) }
    }

    private mutating func send(_ connection: DirectConnection) {
        guard let transfer = connection.transfer else { return }
        connection.isStalled = false
        while true {
            switch transfer.nextOutgoing(&scratch) {
            case .nothing, .starved: return
            case .failed:
                transfer.stop(.requestBody)
                return fail(connection, CURLE_READ_ERROR)
            case .bytes: break
            }
            switch connection.send(transfer) {
            case .success(nil):
                connection.isStalled = true
                return
            case .success(let count?): transfer.sent += count
            case .failure(let fault):
                // Whoever refuses a long body answers before it ends the connection.
                connection.sendFault = fault.code
                return receive(connection, transfer)
            }
        }
    }

    private mutating func receive(_ connection: DirectConnection, _ transfer: DirectTransfer) {
        for record in 0..<Self.recordsTogether {
            guard !transfer.mustPause else {
                connection.isPaused = true
                return
            }
            switch receive(connection) {
            case .nothing:
                if record == 0, let fault = connection.sendFault { again(connection, transfer, fault) }
                return
            case .end: return ended(connection, transfer)
            case .failed(let code): return again(connection, transfer, code)
            case .bytes(let count):
                switch connection.read(scratch, upTo: count, by: transfer) {
                case nil: break
                case true?: return finish(connection, transfer)
                case false?: return fail(connection, CURLE_WEIRD_SERVER_REPLY)
                }
            }
        }
        goOn(connection)
    }

    /// The peer has ended the connection: that ends an answer that has no other end.
    private mutating func ended(_ connection: DirectConnection, _ transfer: DirectTransfer) {
        guard transfer.reader.endsWithConnection else { return again(connection, transfer, CURLE_GOT_NOTHING) }
        if connection.lacksGoodbye { return fail(connection, CURLE_PARTIAL_FILE) }
        detach(connection, transfer)
        transfer.end(CURLE_OK)
        close(connection)
    }

    /// A kept connection that ends under a request before a byte of the answer: a safe one goes out once more.
    private mutating func again(_ connection: DirectConnection, _ transfer: DirectTransfer, _ code: CURLcode) {
        if connection.uses == 0, !transfer.hasReceived { endedUnused() }
        guard connection.uses > 0, transfer.mayGoAgain else { return fail(connection, connection.sendFault ?? code) }
        detach(connection, transfer)
        close(connection)
        transfer.rewind()
        enqueue(transfer)
    }

    private mutating func finish(_ connection: DirectConnection, _ transfer: DirectTransfer) {
        let isClean =
            transfer.reader.keepsConnection && transfer.isSent && connection.sendFault == nil
            && connection.inbox.isEmpty && !connection.hasPending
        detach(connection, transfer)
        transfer.end(CURLE_OK)
        guard isClean else { return close(connection) }
        makeIdle(connection)
    }

    mutating func fail(_ connection: DirectConnection, _ code: CURLcode) {
        guard let transfer = connection.transfer else { return }
        detach(connection, transfer)
        transfer.end(code)
        close(connection)
    }

    private mutating func detach(_ connection: DirectConnection, _ transfer: DirectTransfer) {
        busy[transfer.id] = nil
        connection.leave(at: now)
    }
}
