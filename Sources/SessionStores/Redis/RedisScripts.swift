// The rules of the store port as server-side scripts: each runs alone, whoever else asks.

internal import Crypto

/// A script and the name by which the server knows it.
struct RedisScript: Sendable {
    let text: [UInt8]
    /// SHA-1 in hexadecimal.
    let name: [UInt8]

    init(_ body: String) {
        text = Array((Self.shared + body).utf8)
        let digits = Array("0123456789abcdef".utf8)
        name = Insecure.SHA1.hash(data: text).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0x0F)]] }
    }

    /// By its name, and whole for a server that does not know it yet.
    func command(_ prefix: [UInt8], _ arguments: [[UInt8]], isWhole: Bool = false) -> RedisCommand {
        RedisCommand(
            [Array((isWhole ? "EVAL" : "EVALSHA").utf8), isWhole ? text : name, [UInt8(ascii: "1")], prefix]
                + arguments)
    }

    // A row is generation (8 bytes), state (1), end of the attempt that is begun (8; 0 for none), its name (16), hash of the newest
    // token (16), all big-endian, and the sealed record. Times are the server's, in milliseconds.
    //   PREFIXs:NAME  the row
    //   PREFIXl:NAME  the hashes of its tokens, oldest first
    //   PREFIXt:HASH  NAME
    // Every change goes to the channel PREFIXchanged: "s", name, time, row; or "f", sealed key of the session.
    private static let shared = """
        local P = KEYS[1]
        local function now()
          local t = redis.call('TIME')
          return t[1] * 1000 + math.floor(t[2] / 1000)
        end
        local function parse(row)
          local g, p, u, a, t = struct.unpack('>I8BI8c16c16', row)
          return {g = g, p = p, u = u, a = a, t = t, row = row}
        end
        local function load(name)
          local row = redis.call('GET', P .. 's:' .. name)
          return row and parse(row)
        end
        local function show(name)
          local row = redis.call('GET', P .. 's:' .. name)
          return row and {row, now()}
        end
        local function session(i)
          local s = {name = ARGV[i], g = tonumber(ARGV[i + 1]), p = tonumber(ARGV[i + 2]), t = ARGV[i + 3],
            ttl = ARGV[i + 4], r = ARGV[i + 5], h = {}}
          for j = i + 6, #ARGV do s.h[#s.h + 1] = ARGV[j] end
          s.h[#s.h + 1] = s.t
          return s
        end
        local function replaces(s, k)
          return s.g > k.g or (s.t == k.t and s.g == k.g and s.p >= k.p)
        end
        local function tell(name, row)
          redis.call('PUBLISH', P .. 'changed', 's' .. name .. struct.pack('>I8', now()) .. row)
        end
        local function remove(name)
          for _, h in ipairs(redis.call('LRANGE', P .. 'l:' .. name, 0, -1)) do
            if redis.call('GET', P .. 't:' .. h) == name then redis.call('DEL', P .. 't:' .. h) end
          end
          redis.call('DEL', P .. 's:' .. name, P .. 'l:' .. name)
        end
        local function put(s, u, a)
          local row = struct.pack('>I8BI8c16c16', s.g, s.p, u, a, s.t) .. s.r
          redis.call('SET', P .. 's:' .. s.name, row, 'PX', s.ttl)
          local list = P .. 'l:' .. s.name
          for _, h in ipairs(s.h) do
            local owner = redis.call('GET', P .. 't:' .. h)
            if owner ~= s.name then
              if owner then redis.call('LREM', P .. 'l:' .. owner, 1, h) end
              redis.call('RPUSH', list, h)
            end
            redis.call('SET', P .. 't:' .. h, s.name, 'PX', s.ttl)
          end
          redis.call('PEXPIRE', list, s.ttl)
          for _ = 1, redis.call('LLEN', list) - 1025 do
            local h = redis.call('LPOP', list)
            if redis.call('GET', P .. 't:' .. h) == s.name then redis.call('DEL', P .. 't:' .. h) end
          end
          tell(s.name, row)
        end

        """

    /// name → {row, now} or nil
    static let load = RedisScript("return show(ARGV[1])")

    /// hash → {row, now, name} or nil
    static let find = RedisScript(
        """
        local name = redis.call('GET', P .. 't:' .. ARGV[1])
        if not name then return false end
        local found = show(name)
        if found then found[3] = name end
        return found
        """)

    /// attempt, limit in ms, attempt taken over, damaged record, session → {"granted"}, {"held", row, now}, {"moved", row, now} or
    /// {"moved"}
    static let begin = RedisScript(
        """
        local attempt, limit, over, damaged = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
        local s = session(5)
        local k = load(s.name)
        if k and k.row:sub(50) ~= damaged then
          if not replaces(s, k) then return {'moved', k.row, now()} end
          if k.u > 0 and s.g == k.g and k.a ~= over and k.a:sub(1, 8) ~= attempt:sub(1, 8) then
            return {'held', k.row, now()}
          end
        elseif not k and s.g > 0 then
          return {'moved'}
        end
        put(s, now() + limit, attempt)
        return {'granted'}
        """)

    /// attempt, name and sealed key of the intent's session, session → {"committed"}, {"fenced", row, now} or {"fenced"}
    static let commit = RedisScript(
        """
        local attempt, own, key = ARGV[1], ARGV[2], ARGV[3]
        local s = session(4)
        local function fenced()
          local known = show(s.name)
          return known and {'fenced', known[1], known[2]} or {'fenced'}
        end
        local begun = load(own)
        if not begun or begun.u == 0 or begun.a ~= attempt then return fenced() end
        if s.name ~= own then
          local k = load(s.name)
          if k and not replaces(s, k) then return fenced() end
          local list = redis.call('LRANGE', P .. 'l:' .. own, 0, -1)
          for i = #list, 1, -1 do
            local h = list[i]
            if redis.call('GET', P .. 't:' .. h) == own then
              redis.call('SET', P .. 't:' .. h, s.name, 'PX', s.ttl)
              redis.call('LPUSH', P .. 'l:' .. s.name, h)
            end
          end
          redis.call('DEL', P .. 's:' .. own, P .. 'l:' .. own)
          redis.call('PUBLISH', P .. 'changed', 'f' .. key)
        end
        put(s, 0, string.rep('\\0', 16))
        return {'committed'}
        """)

    /// attempt, name, sealed key → nil
    static let abandon = RedisScript(
        """
        local k = load(ARGV[2])
        if not k or k.u == 0 or k.a ~= ARGV[1] then return false end
        if k.g == 0 and k.p == 0 then
          remove(ARGV[2])
          redis.call('PUBLISH', P .. 'changed', 'f' .. ARGV[3])
        else
          local row = struct.pack('>I8BI8c16c16', k.g, k.p, 0, string.rep('\\0', 16), k.t) .. k.row:sub(50)
          redis.call('SET', P .. 's:' .. ARGV[2], row, 'KEEPTTL')
          tell(ARGV[2], row)
        end
        return false
        """)

    /// damaged record, session → {"committed"} or {"fenced", row, now}
    static let save = RedisScript(
        """
        local damaged = ARGV[1]
        local s = session(2)
        local k = load(s.name)
        if k and k.row:sub(50) == damaged then k = nil end
        if k and not replaces(s, k) then return {'fenced', k.row, now()} end
        local isRunning = k and k.g == s.g
        put(s, isRunning and k.u or 0, isRunning and k.a or string.rep('\\0', 16))
        return {'committed'}
        """)

    /// name, sealed key → nil
    static let forget = RedisScript(
        """
        remove(ARGV[1])
        redis.call('PUBLISH', P .. 'changed', 'f' .. ARGV[2])
        return false
        """)

    /// what is expected (empty for nothing), what shall be, a name for the store if it has none → what is then, its name
    static let secret = RedisScript(
        """
        local known = redis.call('GET', P .. 'secret') or ''
        if known == ARGV[1] then
          known = ARGV[2]
          redis.call('SET', P .. 'secret', known)
        end
        redis.call('SET', P .. 'birth', ARGV[3], 'NX')
        return {known, redis.call('GET', P .. 'birth')}
        """)

    static let all = [load, find, begin, commit, abandon, save, forget, secret]
}
