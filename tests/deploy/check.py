#!/usr/bin/env python3
"""What no tool knows of the deployment files: that they fit together, and ask only for metrics that there are.

usage: check.py WHAT DEPLOY. Says what is wrong, line by line, and ends with 1 if anything is."""

import fnmatch
import ipaddress
import json
import re
import sys
import tomllib
from pathlib import Path

import promql_parser as promql
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRAPED = {"job", "instance"}
wrong = []


def expect(condition, text):
    if not condition:
        wrong.append(text)


def load(path):
    return yaml.safe_load(path.read_text())


# Metrics

def metrics():
    """Each series that may be asked for: its type, and its labels."""
    series = {}
    for line in (HERE / "metrics.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, kind, *labels = line.split()
        labels = SCRAPED | set(labels)
        if kind == "histogram":
            series[f"{name}_bucket"] = ("counter", labels | {"le"})
            series[f"{name}_sum"] = series[f"{name}_count"] = ("counter", labels)
        else:
            series[name] = (kind, labels)
    return series


def selectors(node, call=None):
    """Each selector of an expression, with the function that it is given to."""
    if isinstance(node, promql.VectorSelector):
        yield node, call
    elif isinstance(node, promql.MatrixSelector):
        yield node.vector_selector, call
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from selectors(argument, node.func.name)
    else:
        for part in ("expr", "lhs", "rhs", "param"):
            child = getattr(node, part, None)
            if child is not None:
                yield from selectors(child)


def ask(where, text, series, recorded):
    """Only series and labels that there are, rates of counters, and of nothing else."""
    try:
        tree = promql.parse(text)
    except ValueError as error:
        wrong.append(f"{where}: {error}")
        return 0
    count = 0
    for selector, call in selectors(tree):
        count += 1
        if selector.name in recorded:
            continue
        if selector.name not in series:
            wrong.append(f"{where}: there is no metric {selector.name}")
            continue
        kind, labels = series[selector.name]
        for matcher in selector.matchers.matchers:
            expect(matcher.name in labels, f"{where}: {selector.name} has no label {matcher.name}")
        if call in ("rate", "irate", "increase"):
            expect(kind == "counter", f"{where}: {call} of {selector.name}, a {kind}")
        elif kind == "counter":
            wrong.append(f"{where}: {selector.name} is a counter, of which only rates say something")
    return count


def rules(deploy):
    series = metrics()
    groups = load(deploy / "prometheus/rules.yaml")["groups"]
    all_rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in all_rules if "record" in rule}
    count = sum(ask(rule.get("alert") or rule["record"], rule["expr"], series, recorded) for rule in all_rules)
    expect(count, "no metric is asked for")
    tests = load(deploy / "prometheus/rules_test.yaml")["tests"]
    cases = [case for test in tests for case in test.get("alert_rule_test", [])]
    fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
    alerts = {rule["alert"]: rule for rule in all_rules if "alert" in rule}
    for name, rule in alerts.items():
        expect(name in fires, f"{name}: no test in which it fires")
        expect(rule.get("labels", {}).get("severity") in ("page", "ticket"), f"{name}: severity page or ticket was expected")
        expect("summary" in rule.get("annotations", {}), f"{name}: a summary was expected")
    # What is recorded is tested by itself, or in the alert that looks at it.
    asked = " ".join([case["expr"] for test in tests for case in test.get("promql_expr_test", [])] + [rule["expr"] for rule in alerts.values()])
    for name in sorted(recorded):
        expect(name in asked, f"{name}: no test of what is recorded")


def dashboard(deploy):
    series = metrics()
    board = json.loads((deploy / "grafana/dashboard.json").read_text())
    expect(board["schemaVersion"] >= 39, "an older schema")
    expect(board["uid"] and board["id"] is None, "a dashboard has a uid, and gets its id from Grafana")
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    expect(variables["datasource"]["type"] == "datasource", "the data source is a variable")
    taken, ids = {}, set()
    count = 0

    def source(where, thing):
        expect(thing.get("datasource") == {"type": "prometheus", "uid": "${datasource}"}, f"{where}: not the data source of the variable")

    def expression(where, text):
        # What Grafana puts in before it asks.
        text = text.replace("$__rate_interval", "5m").replace("$__all", ".*")
        for name in re.findall(r"\$\{?(\w+)", text):
            expect(name in variables, f"{where}: no variable {name}")
        return ask(where, re.sub(r"\$\{?\w+\}?", "x", text), series, set())

    for variable in variables.values():
        if variable["type"] == "query":
            source(variable["name"], variable)
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            expect(found and found[2] in SCRAPED, f"{variable['name']}: label_values was expected")
            if found:
                expression(variable["name"], found[1])
    for note in board["annotations"]["list"]:
        if not note.get("builtIn"):
            source(note["name"], note)
            count += expression(note["name"], note["expr"])
    for panel in board["panels"]:
        title, place = panel["title"], panel["gridPos"]
        expect(panel["id"] not in ids, f"{title}: a second panel with id {panel['id']}")
        ids.add(panel["id"])
        expect(place["x"] >= 0 and place["x"] + place["w"] <= 24, f"{title}: beyond the grid")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), title)
                if other != title:
                    wrong.append(f"{title}: over {other}")
                    break
        if panel["type"] == "row":
            continue
        source(title, panel)
        expect(panel.get("targets"), f"{title}: nothing is asked")
        expect(panel.get("description"), f"{title}: a description was expected")
        for target in panel.get("targets", []):
            source(title, target)
            count += expression(title, target["expr"])
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    expect(rows == ["Chain", "Interface", "Custody", "Machine", "Alerts"], f"rows: {rows}")
    expect(count > 20, "few expressions")


# How files fit together

def docker(deploy):
    """What the workspace is made of is in the context of the build, and the compiler is new enough."""
    seen = [line[1:] for line in (deploy / "docker/Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
    patches = [patch["path"] for source in cargo.get("patch", {}).values() for patch in source.values()]
    for path in ["Cargo.toml", "Cargo.lock", *cargo["workspace"]["members"], *patches]:
        expect(any(path == start or path.startswith(f"{start}/") for start in seen), f"{path} is not in the context of the build")
    text = (deploy / "docker/Dockerfile").read_text()
    version = re.search(r"^ARG RUST=([\d.]+)$", text, re.M)
    numbers = [tuple(map(int, part.split("."))) for part in (version[1] if version else "0", cargo["workspace"]["package"]["rust-version"])]
    expect(numbers[0] >= numbers[1], f"Rust {numbers[0]} in the image, {numbers[1]} in Cargo.toml")
    expect(re.findall(r"^USER (.*)$", text, re.M) == ["10001:10001"], "the image has the user 10001:10001 and no other")
    expect("HEALTHCHECK" in text and "--locked" in text, "HEALTHCHECK and --locked were expected")


def compose(deploy):
    """What hardens a service, and addresses that several files name."""
    folder = deploy / "docker"
    file = load(folder / "compose.yaml")
    more = load(folder / "compose.postgres.yaml")
    made = (folder / "make-databases.sql").read_text()
    for number in range(1, 5):
        url = more["services"][f"validator-{number}"]["environment"]["DATABASE_URL"]
        expect(url.endswith(f"/validator_{number}") and f"CREATE DATABASE validator_{number};" in made, f"{url}: no database of its own")
        expect(more["services"]["postgres"]["networks"]["chain"]["ipv4_address"] in url, f"{url}: another address")
    file["services"]["postgres"] = more["services"]["postgres"]
    file["volumes"] |= more["volumes"]
    validators = {}
    for name, service in file["services"].items():
        expect(service.get("read_only") is True, f"{name}: read_only")
        expect(service.get("cap_drop") == ["ALL"], f"{name}: cap_drop")
        expect(service.get("security_opt") == ["no-new-privileges:true"], f"{name}: no-new-privileges")
        expect("privileged" not in service, f"{name}: privileged")
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        expect({"cpus", "memory", "pids"} <= limits.keys(), f"{name}: limits")
        image = service["image"]
        expect(":" in image and not image.endswith(":latest"), f"{name}: an image of a version was expected")
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                expect((folder / source).exists(), f"{name}: {source} is not there")
                expect(rest.endswith(":ro"), f"{name}: {source} is not read only")
            else:
                expect(source in file["volumes"], f"{name}: no volume {source}")
        for port in service.get("ports", []):
            public = name == "haproxy" or port.startswith("127.0.0.1:")
            expect(public, f"{name}: port {port} is open to everybody")
        if name.startswith("validator-"):
            validators[name] = service["networks"]["chain"]["ipv4_address"]
            # The node takes up to 30 seconds.
            expect(int(service["stop_grace_period"].rstrip("s")) > 30, f"{name}: stop_grace_period")
            expect([volume.split(":")[0] for volume in service["volumes"]] == [name], f"{name}: a volume of its own was expected")
    addresses = list(validators.values())
    expect(len(set(addresses)) == 4, f"four addresses were expected: {addresses}")
    network = ipaddress.ip_network(file["networks"]["chain"]["ipam"]["config"][0]["subnet"])
    for address in addresses:
        expect(ipaddress.ip_address(address) in network, f"{address} is not in {network}")
    proxy = file["services"]["haproxy"]["networks"]["chain"]["ipv4_address"]
    expect(file["services"]["chain"]["command"] == [proxy, *addresses], "the chain is made for other addresses")
    for name in ("haproxy/haproxy.cfg", "nginx/qenex.conf", "prometheus/prometheus.yaml"):
        named = set(re.findall(r"(\d+\.\d+\.\d+\.\d+):8080", (deploy / name).read_text()))
        expect(named == set(addresses), f"{name}: other addresses: {sorted(named)}")
    most = int(file["services"]["validator-1"]["environment"]["QENEX_MAX_CONNECTIONS"])
    opened = sum(map(int, re.findall(rf"{re.escape(addresses[0])}:8080.* maxconn (\d+)", (deploy / "haproxy/haproxy.cfg").read_text())))
    expect(0 < opened < most, f"HAProxy opens up to {opened} connections to the first node, which takes {most}")


def kubernetes(deploy):
    """What the schema does not say of the manifests."""
    base = deploy / "kubernetes/base"
    manifests = [part for path in sorted(base.glob("*.yaml")) for part in yaml.safe_load_all(path.read_text())]
    kinds = {manifest["kind"]: manifest for manifest in manifests}
    names = {path.name for path in base.glob("*.yaml")} - {"kustomization.yaml"}
    listed = set(kinds["Kustomization"]["resources"])
    expect(names == listed, f"kustomization.yaml: {sorted(names ^ listed)}")
    state = kinds["StatefulSet"]["spec"]
    pod = state["template"]["spec"]
    labels = state["template"]["metadata"]["labels"]
    for kind in ("StatefulSet", "PodDisruptionBudget"):
        expect(kinds[kind]["spec"]["selector"]["matchLabels"] == labels, f"{kind}: it selects others")
    expect(kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels, "NetworkPolicy: it selects others")
    services = {manifest["metadata"]["name"]: manifest["spec"] for manifest in manifests if manifest["kind"] == "Service"}
    expect(services[state["serviceName"]]["clusterIP"] == "None", "the Service of the StatefulSet has no address")
    expect(services[state["serviceName"]].get("publishNotReadyAddresses"), "peers reach each other before they are ready")
    expect(state["podManagementPolicy"] == "Parallel", "who waits for the first validator to be ready waits for ever")
    expect(pod["terminationGracePeriodSeconds"] > 30, "the node takes up to 30 seconds to end")
    expect(kinds["PodDisruptionBudget"]["spec"]["maxUnavailable"] <= (state["replicas"] - 1) // 3, "more than f may be away")
    volumes = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in state["volumeClaimTemplates"]}
    for container in pod["initContainers"] + pod["containers"]:
        security = container["securityContext"]
        hard = (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"], security["capabilities"]) == (False, True, {"drop": ["ALL"]})
        expect(hard, f"{container['name']}: securityContext")
        expect("memory" in container["resources"]["limits"] and "cpu" in container["resources"]["requests"], f"{container['name']}: resources")
        for mount in container["volumeMounts"]:
            expect(mount["name"] in volumes, f"{container['name']}: no volume {mount['name']}")
    expect(pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, "securityContext")
    identity = next(volume for volume in pod["volumes"] if volume["name"] == "identity")["projected"]["sources"]
    expect([source["secret"]["name"] for source in identity] == [f"qenex-{n}" for n in range(state["replicas"])], "a Secret for each validator")
    for source in identity:
        secret = source["secret"]
        for item in secret["items"]:
            expect(item["path"].startswith(f"{secret['name']}/"), f"{secret['name']}: {item['path']} would be seen by another one")
    monitor = load(deploy / "kubernetes/overlays/monitoring/servicemonitor.yaml")
    keys = [endpoint["authorization"]["credentials"]["key"] for endpoint in monitor["spec"]["endpoints"]]
    expect(keys == [f"qenex-{n}" for n in range(state["replicas"])], f"ServiceMonitor: {keys}")


def prepared(path):
    """What `prepare` wrote: each file that a configuration names is in a place that the StatefulSet mounts. Its parts are left beside it for the schema."""
    things = json.loads(path.read_text())["items"]
    for number, thing in enumerate(things):
        path.with_name(f"{path.stem}-{number}.json").write_text(json.dumps(thing))
    by_name = {(thing["kind"], thing["metadata"]["name"]): thing for thing in things}
    texts = by_name["ConfigMap", "qenex-chain"]["data"]
    for number in range(4):
        name = f"qenex-{number}"
        config, data = json.loads(texts[f"{name}.json"]), by_name["Secret", name]["data"]
        expect(sum(map(len, data.values())) < 1 << 20, f"{name}: too large for a Secret")
        expect("officer.pin" not in data, f"{name}: the officer's PIN")
        device = config["device"]
        for file in (config["peer_key"], device["pin_file"], f"{device['host']}/static-key", f"{device['host']}/device-key"):
            expect(file.startswith("/identity/") and Path(file).name in data, f"{name}: {file} is not in its Secret")
        address = by_name["Service", f"qenex-peer-{number}"]["spec"]["clusterIP"]
        expect(config["address"] == f"{address}:7100" and config["listen"] == "0.0.0.0:7100", f"{name}: {config['address']}")
        for other in range(4):
            if other != number:
                peers = json.loads(texts[f"qenex-{other}.json"])["peers"]
                expect(config["address"] in [peer["address"] for peer in peers], f"qenex-{other} does not know {name}")


def told(path):
    """What a node tells of itself is what the list says: names, types, labels. What only comes with the first request or refusal may be missing."""
    series = metrics()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", path.read_text(), re.M))
    for name, kind in kinds.items():
        if name.startswith("qenex_"):
            listed = "histogram" if f"{name}_bucket" in series else series.get(name, ("nothing",))[0]
            expect(kind == listed, f"{name}: the node says {kind}, metrics.txt says {listed}")
    for name in series:
        expect(not name.startswith("process_") or name in kinds, f"{name}: the node does not tell it")
    expect("qenex_chain_height" in kinds, "no height")
    for name, labels in re.findall(r"^(qenex_\w+)\{(.*)\} ", path.read_text(), re.M):
        for label in re.findall(r'(\w+)="', labels):
            expect(name in series and label in series[name][1], f"{name}: metrics.txt does not know the label {label}")


def secrets(deploy):
    """Nothing that is secret is kept with the files, and nothing is to be made so."""
    for path in deploy.rglob("*"):
        if not path.is_file():
            continue
        if "secrets" in path.parts:
            # What an operator put there is ignored by git and by the build.
            continue
        text = path.read_text(errors="replace")
        expect(not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bqnx_[0-9a-f]{12}_\w", text), f"{path.name}: a key")
        found = re.search(r"(?i)^[^#\n]*pass(word|wd)?\w*\s*[:=]\s*[\"']?(?!/run/)[\w$]", text, re.M)
        expect(not found, f"{path.name}: {found[0].strip() if found else ''}")
    ignored = (deploy / "docker/secrets/.gitignore").read_text().splitlines()
    expect("*" in ignored, "docker/secrets is not ignored")
    for key in ("docker/secrets/admin-1", "docker/secrets/tls.pem"):
        expect(any(fnmatch.fnmatch(Path(key).name, line) for line in ignored if not line.startswith(("#", "!"))), f"{key} is not ignored")


WHAT = {check.__name__: check for check in (rules, dashboard, docker, compose, kubernetes, prepared, told, secrets)}

if len(sys.argv) != 3 or sys.argv[1] not in WHAT:
    raise SystemExit(__doc__)
WHAT[sys.argv[1]](Path(sys.argv[2]))
for line in wrong:
    print(line)
sys.exit(bool(wrong))
