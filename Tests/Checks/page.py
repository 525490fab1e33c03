"""Looks at the status page in a real browser: what it says, what it looks like, what it complains about.

usage: page.py URL WORD...   prints `ok` when every WORD stands on the page; with --dark and --bad a dark page and an alarm are expected
"""
import re
import struct
import subprocess
import sys
import tempfile
import zlib

options = {word for word in sys.argv[1:] if word.startswith("--")}
url, *words = [word for word in sys.argv[1:] if not word.startswith("--")]
dark, bad = "--dark" in options, "--bad" in options

quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--no-pings", "--disable-domain-reliability",
         # The browser has errands of its own; none of them leaves this machine.
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def browser(folder, *more):
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *quiet,
               f"--user-data-dir={folder}/profile", "--enable-logging=stderr", "--virtual-time-budget=3000",
               *(["--force-dark-mode"] if dark else []), *more, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def pixels(path):
    """The colours of a PNG and how often each occurs (8 bits, RGB or RGBA, not interlaced)."""
    data = open(path, "rb").read()
    place, packed = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        if kind == b"IHDR":
            width, height, depth, form = struct.unpack(">IIBB", data[place + 8:place + 18])
        if kind == b"IDAT":
            packed += data[place + 8:place + 8 + length]
        place += 12 + length
    assert depth == 8 and form in (2, 6), (depth, form)
    size = 3 if form == 2 else 4
    raw, row, counts = zlib.decompress(packed), bytearray(width * size), {}
    for line in range(height):
        start = line * (width * size + 1)
        kind, now = raw[start], bytearray(raw[start + 1:start + 1 + width * size])
        for at in range(len(now)):
            left = now[at - size] if at >= size else 0
            up, corner = row[at], row[at - size] if at >= size else 0
            if kind == 1:
                now[at] = (now[at] + left) & 255
            elif kind == 2:
                now[at] = (now[at] + up) & 255
            elif kind == 3:
                now[at] = (now[at] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((left, up, corner), key=lambda value: abs(guess - value))
                now[at] = (now[at] + near) & 255
        row = now
        for at in range(0, len(now), size):
            colour = bytes(now[at:at + 3]).hex()
            counts[colour] = counts.get(colour, 0) + 1
    return counts


with tempfile.TemporaryDirectory() as folder:
    shown = browser(folder, "--dump-dom")
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", shown.stdout, flags=re.S)
    for word in words:
        assert word in text, f"{word!r} is not on the page:\n{text}"
    # A request to anywhere else is one of them: the page's own policy forbids it.
    complaints = [line for line in shown.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    seen = browser(folder, "--window-size=900,700", f"--screenshot={folder}/page.png")
    colours = pixels(f"{folder}/page.png")
    ground = max(colours, key=colours.get)
    # The colours of status.html: the ground of the page and of cards, and of the banner.
    assert (ground in ("11151c", "1a202b")) == dark, ground
    banner = {(False, False): "e3f5ea", (True, False): "12301f", (False, True): "fbe6e4", (True, True): "3a1714"}
    for (is_dark, is_bad), colour in banner.items():
        expected = (is_dark, is_bad) == (dark, bad)
        assert (colours.get(colour, 0) > 10_000) == expected, (colour, colours.get(colour), expected)
    # Text and lines have been drawn.
    assert len(colours) > 50, len(colours)
print("ok")
