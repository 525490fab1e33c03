# Checks what promtool cannot: `check.py QUERIES` prints each finding, and writes the dashboard's queries to QUERIES as recording rules.
import json
import pathlib
import re
import sys

import yaml

here = pathlib.Path(__file__).parent
findings = []

# Every name that a query may use, with its labels: the program's own table, which a test keeps equal to the program.
pages = here.parent.parent / "Sources/Sidecar/Documentation.docc"
labels = {"up": {"job", "instance"}}
for name, kind, names in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", (pages / "Metrics.md").read_text(), re.MULTILINE):
    own = {"job", "instance", *re.findall(r"`(\w+)`", names)}
    for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
        labels[name + suffix] = own | ({"le"} if kind == "histogram" else set())


def check(where, query):
    found = re.findall(r"\b((?:sidecar|process)_\w+|up)\b(?:\{([^}]*)\})?", query)
    if not found:
        findings.append(f"{where}: no metric in {query}")
    for name, matchers in found:
        if name not in labels:
            findings.append(f"{where}: no such metric: {name}")
            continue
        for label in re.findall(r"(\w+)\s*[=!]~?", matchers):
            if label not in labels[name]:
                findings.append(f"{where}: {name} has no label {label}")
    known = set().union(*(labels.get(name, set()) for name, _ in found))
    for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
        for label in group.replace(" ", "").split(","):
            if label not in known:
                findings.append(f"{where}: nothing has the label {label}")


headings = re.findall(r"^## (\w+)$", (pages / "Runbook.md").read_text(), re.MULTILINE)
tests = (here / "alerts.test.yaml").read_text()
alerts = [rule for group in yaml.safe_load((here / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
for rule in alerts:
    name, notes = rule["alert"], rule["annotations"]
    check(name, rule["expr"])
    for part in ("summary", "description"):
        if not notes.get(part):
            findings.append(f"{name}: no {part}")
    if notes.get("runbook") != f"Sources/Sidecar/Documentation.docc/Runbook.md#{name.lower()}" or name not in headings:
        findings.append(f"{name}: its runbook is not there")
    if f'alertname="{name}"' not in tests:
        findings.append(f"{name}: no test in which it fires")
findings += [f"Runbook.md: no alert {name}" for name in headings if name not in [rule["alert"] for rule in alerts]]

rules = []
for panel in json.loads((here / "dashboard.json").read_text())["panels"]:
    for target in panel.get("targets", []):
        check(f"dashboard, {panel['title']}", target["expr"])
        query = re.sub(r"\$__(rate_interval|range)", "5m", target["expr"]).replace("$instance", ".*")
        rules.append({"record": f"panel{panel['id']}:{target['refId']}", "expr": query})
pathlib.Path(sys.argv[1]).write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

print("\n".join(findings))
sys.exit(1 if findings else 0)
