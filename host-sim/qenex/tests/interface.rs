//! What a node answers of its chain, as programs ask it: histories, blocks, pools, figures, events, health, metrics; and how it starts and stops.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod node;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use node::{Node, PATIENCE, post};
use serde_json::{Value, json};

impl Node {
    /// What an order led to, once it is final.
    fn order(&self, key: &str, route: &str, body: Value) -> Value {
        let mut answer = None;
        self.wait_for(|node| {
            let (status, sent) = post(&node.agent, node.port, route, key, None, &body).unwrap();
            assert!(matches!(status, 202 | 503), "{route} {body}: {status} {sent}");
            if status == 202 {
                answer = Some(sent);
            }
            status == 202
        });
        let id = answer.unwrap()["id"].as_str().unwrap().to_string();
        self.wait_for(|node| {
            node.get(&format!("transaction/{id}")).is_some_and(|found| found["id"] == id.as_str())
        });
        self.get(&format!("transaction/{id}")).unwrap()
    }

    fn ask(&self, key: &str, path: &str) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut answer = self.agent.get(url).header("authorization", format!("Bearer {key}")).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn json(&self, key: &str, path: &str) -> Value {
        let (status, body) = self.ask(key, &format!("/api/v1/{path}"));
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A line over which nothing but this request goes.
    fn line(&self, request: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream)
    }
}

/// The next of the server-sent events that tell something: its fields.
fn event(stream: &mut impl BufRead) -> BTreeMap<String, String> {
    loop {
        let fields = any_event(stream);
        if fields["event"] != "heard" {
            return fields;
        }
    }
}

/// The next of the server-sent events: its fields.
fn any_event(stream: &mut impl BufRead) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ended: {fields:?}");
        let line = line.trim_end();
        match line.split_once(": ") {
            Some((name, value)) if !name.is_empty() => {
                fields.insert(name.to_string(), value.to_string());
            }
            _ if line.is_empty() && fields.contains_key("event") => return fields,
            // Lengths of chunks, heartbeats.
            _ => {}
        }
    }
}

fn numbers(of: &Value, list: &str, field: &str) -> Vec<u64> {
    of[list].as_array().unwrap().iter().map(|entry| entry[field].as_u64().unwrap()).collect()
}

#[test]
fn a_chain_is_told_of() {
    let mut node = Node::new("interface", 2, "2");
    let key = {
        let first = node.start();
        node.administrator(&first)
    };
    let key = key.as_str();
    let pool = json!({ "account": "BANK_001", "pool": "QNX-USDC", "asset_a": "QNX", "asset_b": "USDC", "fee_bps": 30 });

    // What an order would be: nothing is signed.
    let (status, preview) = post(&node.agent, node.port, "pool?preview=true", key, None, &pool).unwrap();
    assert_eq!((status, &preview["sender"]), (200, &json!("BANK_001")));
    assert_eq!(preview["summary"][0], json!({ "label": "Operation", "value": "Create pool" }));
    assert_eq!(post(&node.agent, node.port, "pool?preview=maybe", key, None, &pool).unwrap().0, 400);
    assert_eq!(node.json(key, "account/BANK_001")["nonce"], 0);

    let made = node.order(key, "pool", pool);
    assert_eq!(
        (made["kind"].as_str(), made["outcome"]["kind"].as_str()),
        (Some("create-pool"), Some("done"))
    );
    let shown = made["summary"].as_array().unwrap();
    assert_eq!(shown.iter().filter(|line| line["label"] != "Nonce").count() + 1, shown.len());
    node.order(key, "liquidity", json!({ "account": "BANK_001", "pool": "QNX-USDC", "max_a": "1000", "max_b": "2000", "min_shares": "0" }));

    // Somebody listens while the rest happens.
    let height = node.json(key, "status")["height"].as_u64().unwrap();
    let mut stream = node.line(&format!(
        "GET /api/v1/events?topics=transactions&account=BANK_002&after={height} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    ));
    let mut sent = Vec::new();
    for round in 1..=3 {
        let swap = json!({ "account": "BANK_002", "token_in": "QNX", "token_out": "USDC", "amount_in": round.to_string(), "max_slippage_bps": 10_000 });
        sent.push(node.order(key, "swap", swap));
        sent.push(node.order(
            key,
            "transaction",
            json!({ "sender": "BANK_002", "receiver": "BANK_001", "amount": "5", "currency": "USDC" }),
        ));
    }
    let told: Vec<BTreeMap<String, String>> = sent.iter().map(|_| event(&mut stream)).collect();
    for (sent, told) in sent.iter().zip(&told) {
        assert_eq!(told["event"], "transaction");
        assert_eq!(&serde_json::from_str::<Value>(&told["data"]).unwrap(), sent);
    }
    // Whoever comes back goes on behind what he heard.
    let heard = told[1]["id"].clone();
    let mut again = node.line(&format!(
        "GET /api/events?topics=blocks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nlast-event-id: {heard}\r\n\r\n"
    ));
    for next in 1..=3 {
        let told = event(&mut again);
        assert_eq!(
            (told["event"].as_str(), told["id"].parse::<u64>().unwrap()),
            ("block", heard.parse::<u64>().unwrap() + next)
        );
    }
    // Who wants to hear of little learns how far he has heard.
    let mut quiet = node.line(&format!(
        "GET /api/events?topics=transactions&account=NOBODY&after={heard} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    ));
    let told = any_event(&mut quiet);
    assert_eq!(told["event"], "heard");
    assert!(told["id"].parse::<u64>().unwrap() > heard.parse::<u64>().unwrap(), "{told:?}");
    // The same over a WebSocket (RFC 6455: the answer to this key stands there).
    let mut socket = node.line(&format!(
        "GET /api/v1/events/ws?topics=blocks&after=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(socket.read_line(&mut head).unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let mut frame = [0; 4];
    socket.read_exact(&mut frame).unwrap();
    assert_eq!(frame[..2], [0x81, 126], "a text of some hundred bytes");
    let mut message = vec![0; usize::from(u16::from_be_bytes([frame[2], frame[3]]))];
    socket.read_exact(&mut message).unwrap();
    let message: Value = serde_json::from_slice(&message).unwrap();
    assert_eq!(
        (&message["event"], &message["id"], &message["data"]["height"]),
        (&json!("block"), &json!(1), &json!(1))
    );
    for (wrong, status) in [("events?topics=weather", 400), ("events?from=1", 400), ("events/ws", 426)] {
        let (found, body) = node.ask(key, &format!("/api/v1/{wrong}"));
        assert!(found == status || (wrong == "events/ws" && found == 400), "{wrong}: {found} {body}");
    }

    // Histories.
    let all = node.json(key, "history/BANK_002?limit=500");
    let heights: Vec<&Value> = all["entries"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
    assert_eq!(heights, sent.iter().rev().map(|sent| &sent["id"]).collect::<Vec<_>>());
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = node.json(key, &format!("history/BANK_002?limit=2{cursor}"));
        paged.extend(page["entries"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(Value::from(paged), all["entries"]);
    let newest = node.json(key, "transactions?limit=2");
    assert_eq!(newest["entries"], json!([sent[5], sent[4]]));
    let older =
        node.json(key, &format!("transactions?limit=500&cursor={}", newest["next"].as_str().unwrap()));
    assert_eq!((&older["entries"][0], &older["next"]), (&sent[3], &Value::Null));
    let swaps = node.json(key, "history/BANK_002?kind=swap-exact-in");
    assert_eq!(swaps["entries"].as_array().unwrap().len(), 3);
    let (from, until) = (&sent[2]["time_ms"], sent[4]["time_ms"].as_u64().unwrap());
    let some =
        node.json(key, &format!("history/BANK_002?kind=swap-exact-in&from_ms={from}&until_ms={until}"));
    assert_eq!(
        some["entries"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect::<Vec<_>>(),
        [&sent[2]["id"]]
    );
    for wrong in ["kind=swap", "cursor=x", "limit=0", "limit=501", "from_ms=-1", "x=1"] {
        let (status, body) = node.ask(key, &format!("/api/v1/history/BANK_002?{wrong}"));
        assert_eq!(status, 400, "{wrong}: {body}");
    }
    assert_eq!(node.ask(key, &format!("/api/v1/transaction/{}", "0".repeat(64))).0, 404);
    assert_eq!(node.ask(key, "/api/v1/transaction/12").0, 400);

    // Blocks.
    let blocks = node.json(key, "blocks?limit=3");
    let found = numbers(&blocks, "blocks", "height");
    assert_eq!(found, [found[0], found[0] - 1, found[0] - 2]);
    assert_eq!(
        numbers(&node.json(key, &format!("blocks?limit=2&before={}", blocks["next"])), "blocks", "height"),
        [found[0] - 3, found[0] - 4]
    );
    let height = &sent[0]["height"];
    let of_block = node.json(key, &format!("block/{height}/transactions"));
    assert_eq!(of_block["entries"][0], sent[0]);
    assert_eq!(node.json(key, "block/0/transactions")["entries"], json!([]));
    assert_eq!(node.ask(key, "/api/v1/block/999999/transactions").0, 404);

    // What there is.
    let accounts = node.json(key, "accounts?limit=500");
    let ids: Vec<&str> = accounts["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["id"].as_str().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids.contains(&"BANK_001") && ids.contains(&"ACC000001"), "{ids:?}");
    assert_eq!(node.json(key, "accounts?limit=1&after=BANK_001")["accounts"][0]["id"], "BANK_002");
    assert_eq!(numbers(&node.json(key, "pools"), "pools", "fee_bps"), [30]);
    assert_eq!(node.json(key, "assets")["assets"].as_array().unwrap().len(), 2);
    let holdings = node.json(key, "holdings/BANK_001");
    assert_eq!(
        (&holdings["shares"][0]["pool"], holdings["balances"].as_array().unwrap().len()),
        (&json!("QNX-USDC"), 2)
    );
    assert_eq!(holdings["balances"][1]["amount"], node.json(key, "account/BANK_001/USDC")["amount"]);
    let validators = node.json(key, "validators");
    assert_eq!(
        (&validators["validators"][0]["own"], &validators["validators"][0]["status"]),
        (&json!(true), &json!("seated"))
    );
    let device = node.json(key, "device");
    assert_eq!((&device["locked"], &device["keys"][1]["account"]), (&json!(false), &json!("BANK_002")));

    // Prices and figures.
    let day = node.json(key, "pool/QNX-USDC/candles?step=day");
    assert_eq!(numbers(&day, "candles", "swaps").iter().sum::<u64>(), 3);
    let candle = &day["candles"][0];
    let outcome = |sent: &Value| sent["outcome"]["amount_out"].as_str().unwrap().to_string();
    assert_eq!(candle["open"].as_str().unwrap(), outcome(&sent[0]), "of one unit");
    assert_eq!(candle["volume_a"], "6");
    assert_eq!(node.ask(key, "/api/v1/pool/QNX-USDC/candles?step=week").0, 400);
    let economy = node.json(key, "economy/USDC");
    assert_eq!((&economy["volume"], &economy["issued"]), (&json!("15"), &json!("0")));
    assert_eq!(economy["supply"], node.json(key, "asset/USDC")["supply"]);
    assert!(economy["concentration"]["holders"].as_u64().unwrap() >= 4, "{economy}");
    assert_eq!(economy["stability"][0]["pool"], "QNX-USDC");

    // How it is.
    node.wait_for(|node| {
        node.json(key, "health/factors")["factors"].as_array().is_some_and(|factors| factors.len() > 3)
    });
    assert_eq!(node.json(key, "alerts?state=all")["alerts"], json!([]));
    assert_eq!(post(&node.agent, node.port, "alerts/1/acknowledge", key, None, &json!({})).unwrap().0, 404);
    let (status, metrics) = node.ask(key, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "qenex_transactions_final_total{kind=\"swap-exact-in\"} 3",
        "qenex_refusals_total{name=\"RATE_LIMITED\"} 0",
        "qenex_event_streams 4",
        "# TYPE qenex_http_request_duration_seconds histogram",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    // The page, for whoever looks.
    let page = node.agent.get(format!("http://127.0.0.1:{}/", node.port)).call().unwrap();
    assert_eq!((page.status().as_u16(), page.headers()["x-frame-options"].to_str().unwrap()), (200, "DENY"));

    // It is told to stop while some listen: it does, and the next start has nothing to execute again.
    let status = node.stop();
    assert!(status.success(), "{status}: {}", node.log());
    node.start();
    let log = node.log();
    let starts: Vec<&str> = log.lines().filter(|line| line.contains("the ledger is open")).collect();
    let [open] = starts.as_slice() else { panic!("{log}") };
    assert!(open.contains("executed=0") || open.contains("executed\u{1b}[0m\u{1b}[2m=\u{1b}[0m0"), "{open}");
    assert_eq!(node.json(key, "history/BANK_002?limit=500"), all);
}

#[test]
fn alerts_are_told() {
    use std::net::TcpListener;
    // Somebody who is to be told.
    let told = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alert", told.local_addr().unwrap());
    let mut node = Node::new("alerts", 3, "1");
    let path = node.folder.0.join("validator-1/config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["interface"]["alerts"] = json!({
        "rules": { "scan": { "limit": 5, "for_seconds": 0 } },
        "send": [{ "to": "webhook", "url": url }],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    let first = node.start();
    let key = node.administrator(&first);
    let mut stream = node.line(&format!(
        "GET /api/events?topics=alerts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    ));
    for number in 0..20 {
        assert_eq!(node.ask(&key, &format!("/api/v1/nothing/{number}")).0, 404);
    }
    let alert: Value = serde_json::from_str(&event(&mut stream)["data"]).unwrap();
    assert_eq!(
        (&alert["rule"], &alert["severity"], &alert["ended_ms"]),
        (&json!("scan"), &json!("warning"), &Value::Null)
    );
    // The webhook gets the same.
    let (mut caller, _) = told.accept().unwrap();
    caller.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut request = String::new();
    let mut reader = BufReader::new(caller.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    assert!(request.starts_with("POST /alert HTTP/1.1"), "{request}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    caller.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["rule"], "scan");
    // Somebody knows, and does not want to hear of it for an hour.
    let id = &alert["id"];
    let (status, known) =
        post(&node.agent, node.port, &format!("alerts/{id}/acknowledge"), &key, None, &json!({})).unwrap();
    assert!(status == 200 && known["acknowledged_by"].as_str().unwrap().starts_with("key"), "{known}");
    let (status, silenced) =
        post(&node.agent, node.port, &format!("alerts/{id}/silence"), &key, None, &json!({ "minutes": 60 }))
            .unwrap();
    assert!(status == 200 && silenced["silenced_until_ms"].is_u64(), "{silenced}");
    assert_eq!(
        post(&node.agent, node.port, &format!("alerts/{id}/silence"), &key, None, &json!({ "minutes": 0 }))
            .unwrap()
            .0,
        400
    );
    // It ends, and is remembered over a restart.
    node.wait_for(|node| node.json(&key, "alerts")["alerts"] == json!([]));
    assert!(node.stop().success());
    node.start();
    let all = node.json(&key, "alerts?state=all");
    assert_eq!(
        (&all["alerts"][0]["id"], &all["alerts"][0]["acknowledged_by"]),
        (id, &known["acknowledged_by"])
    );
}

#[test]
fn configurations_are_checked() {
    let node = Node::new("checked", 4, "1");
    let path = node.folder.0.join("validator-1/config.json");
    let check = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qenex"));
        command
            .args(["node", "--check", "--config"])
            .arg(&path)
            .args(arguments)
            .envs(variables.iter().copied());
        let done = command.output().unwrap();
        (done.status.code().unwrap(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    assert_eq!(check(&[], &[]), (0, String::new()));
    assert_eq!(check(&["--listen", "0.0.0.0:80"], &[("QENEX_MAX_CONNECTIONS", "5")]).0, 0);
    let (code, said) = check(&[], &[("QENEX_LISTEN", "everywhere")]);
    assert!(code == 2 && said.contains("--listen"), "{code} {said}");
    let (code, said) = check(&[], &[("QENEX_ENV", "production")]);
    assert!(code == 2 && said.contains("device") && said.contains("simulated"), "{code} {said}");
    let right = std::fs::read_to_string(&path).unwrap();
    let config: Value = serde_json::from_str(&right).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut config = config.clone();
        change(&mut config);
        std::fs::write(&path, serde_json::to_string_pretty(&config).unwrap()).unwrap();
        let found = check(&[], &[]);
        std::fs::write(&path, &right).unwrap();
        found
    };
    for (change, expected) in [
        (&(|config: &mut Value| config["interface"]["custodi"] = json!({})) as &dyn Fn(&mut Value), "line "),
        (&|config| config["interface"]["max_connections"] = json!("many"), "line "),
        (
            &|config| config["interface"]["alerts"] = json!({ "rules": { "skan": {} } }),
            "one of finality-stands-still",
        ),
        (
            &|config| config["interface"]["tls"] = json!({ "certificate": "none.pem", "key": "none.pem" }),
            "none.pem",
        ),
        (&|config| config["interface"]["custody"]["accounts"] = json!(["BANK_001"]), "line "),
        (&|config| config["account"] = json!("a b"), "account"),
        (
            &|config| {
                let provider = json!({ "name": "bank", "issuer": "http://login.example", "audience": "qenex", "roles": [] });
                config["interface"]["providers"] = json!([provider]);
            },
            "an issuer of https was expected",
        ),
        (&|config| config["interface"]["trusted_proxies"] = json!(["10.0.0.0/40"]), "line "),
        (&|config| config["backup"] = json!({ "folder": "x" }), "line "),
        (&|config| config["device"]["at"] = json!("x"), "either `soft` or `at`"),
    ] {
        let (code, said) = changed(change);
        assert!(code == 2 && said.contains(expected), "{expected}: {code} {said}");
    }
    std::fs::write(&path, &right[..right.len() / 2]).unwrap();
    let (code, said) = check(&[], &[]);
    assert!(code == 2 && said.contains("line "), "{code} {said}");
}

/// The doctor says of a node that runs that it runs, of one that stopped that all is there, and names what is not.
#[test]
fn the_doctor_finds_what_is_amiss() {
    let mut node = Node::new("doctor", 0, "1");
    let path = node.folder.0.join("validator-1/config.json");
    let examine = || {
        let done = Command::new(env!("CARGO_BIN_EXE_qenex"))
            .args(["doctor", "--config"])
            .arg(&path)
            .output()
            .unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    };
    let (code, said) = examine();
    assert!(code == 0 && said.contains(" is logged in") && said.contains("is free"), "{code} {said}");
    assert!(said.contains("look  backup: the configuration names none"), "{said}");
    let first = node.start();
    let key = node.administrator(&first);
    let (code, said) = examine();
    assert!(
        code == 0 && said.contains("ok    node: it runs") && said.contains("the node listens there"),
        "{code} {said}"
    );

    let change = |level: &str| {
        let url = format!("http://127.0.0.1:{}/api/v1/log", node.port);
        let request = node.agent.put(url).header("authorization", format!("Bearer {key}"));
        let mut answer = request.send_json(json!({ "level": level })).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    assert_eq!(change("warn,qenex_api=debug").0, 200);
    assert_eq!(node.json(&key, "log")["level"], "warn,qenex_api=debug");
    let (status, said) = change("qenex_api=loud");
    assert!(status == 400 && said.contains("was expected"), "{status} {said}");
    assert_eq!(node.json(&key, "log")["level"], "warn,qenex_api=debug");
    node.kill();

    let right = std::fs::read_to_string(&path).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config: Value = serde_json::from_str(&right).unwrap();
    config["interface"]["listen"] = json!(port.local_addr().unwrap().to_string());
    config["device"]["user"] = json!("NOBODY");
    config["backup"] = json!({ "to": "/proc/no/such" });
    config["peers"] = json!([{ "key": config["peers"].get(0).map_or(json!("00".repeat(32)), |peer| peer["key"].clone()), "address": "127.0.0.1:1" }]);
    std::fs::write(&path, config.to_string()).unwrap();
    let (code, said) = examine();
    assert_eq!(code, 1, "{said}");
    for ill in [
        "FAIL  port of the interface",
        "FAIL  device that votes",
        "FAIL  backup: /proc/no/such",
        "FAIL  peers: 0 of 1 listen",
    ] {
        assert!(said.contains(ill), "{ill}: {said}");
    }
}
