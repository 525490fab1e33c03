// What libcurl calls, on the loop: each copies and leaves.

internal import CCurl

/// The transfer that a callback belongs to. It is kept alive by the loop's table until its handle has been removed.
private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}

/// One raw header line. Anything but its length makes libcurl end the transfer.
let receiveHeadLine: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, context in
    guard let bytes = unsafe bytes, let transfer = unsafe transfer(context) else { return 0 }
    let line = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: size * count))
    return transfer.receiveHeadLine(line) ? line.count : 0
}

/// A piece of the body.
let receiveBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, context in
    guard let bytes = unsafe bytes, let transfer = unsafe transfer(context) else { return 0 }
    let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    switch unsafe transfer.receiveBody(piece) {
    case .taken: return size * count
    case .pause: return Int(CURL_WRITEFUNC_PAUSE)
    case .refused: return 0
    }
}

/// The next piece of a streamed request body.
let supplyBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, context in
    guard let bytes = unsafe bytes, let transfer = unsafe transfer(context) else { return Int(CURL_READFUNC_ABORT) }
    switch unsafe transfer.supplyBody(UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) {
    case .copied(let copied): return copied
    case .starved: return Int(CURL_READFUNC_PAUSE)
    case .end: return 0
    case .failed: return Int(CURL_READFUNC_ABORT)
    }
}

/// What follows a request body of unknown length.
let supplyTrailers:
    @convention(c) (UnsafeMutablePointer<UnsafeMutablePointer<curl_slist>?>?, UnsafeMutableRawPointer?) -> Int32 = {
        list, context in
        guard let list = unsafe list, let transfer = unsafe transfer(context), let trailers = transfer.supplyTrailers()
        else {
            return Int32(CURL_TRAILERFUNC_ABORT)
        }
        unsafe list.pointee = trailers.head
        return Int32(CURL_TRAILERFUNC_OK)
    }

/// A connection stands and the request is about to go out on it.
let aboutToSend:
    @convention(c) (
        UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int32, Int32
    ) -> Int32 = { context, _, _, _, localPort in
        guard let transfer = unsafe transfer(context), transfer.aboutToSend(localPort) else {
            return Int32(CURL_PREREQFUNC_ABORT)
        }
        return Int32(CURL_PREREQFUNC_OK)
    }
