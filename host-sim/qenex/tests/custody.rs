//! A node with accounts in custody, as a process that is killed again and again: what was asked is done once, whatever was asked how often.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod node;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use node::{Node, PATIENCE, post};
use serde_json::{Value, json};

/// Transfers under keys of idempotency, each asked for until it is accepted and then twice more, while the node is killed eight times. Each is done once.
#[test]
fn what_is_asked_again_moves_nothing_twice() {
    const TRANSFERS: u64 = 40;
    let mut node = Node::new("custody", 0, "2");
    let first = node.start();
    let key = node.administrator(&first);
    let (agent, port) = (node.agent.clone(), node.port);
    let done = AtomicBool::new(false);
    let mut pauses_ms = (1..=8u64).map(|kill| 150 + kill * 7_919 % 400);
    std::thread::scope(|scope| {
        let (key, done, agent) = (&key, &done, &agent);
        let mut clients = Vec::new();
        for sender in ["BANK_001", "BANK_002"] {
            clients.push(scope.spawn(move || {
                for number in 0..TRANSFERS / 2 {
                    let body = json!({ "sender": sender, "receiver": "ACC000001", "amount": format!("1.{number:03}"), "currency": "USDC" });
                    let idempotency = format!("{sender}-{number}");
                    let (mut accepted, mut ids) = (0, BTreeSet::new());
                    let start = Instant::now();
                    while accepted < 3 {
                        assert!(start.elapsed() < PATIENCE, "{idempotency} is not accepted");
                        match post(agent, port, "transaction", key, Some(&idempotency), &body) {
                            Some((202, sent)) => {
                                accepted += 1;
                                ids.insert(sent["id"].as_str().unwrap().to_string());
                            }
                            // Too many that are not final yet, or nobody there.
                            Some((503, _)) | None => std::thread::sleep(Duration::from_millis(20)),
                            Some(other) => panic!("{idempotency}: {other:?}"),
                        }
                    }
                    // An answer that was lost is the only reason for another one than the first.
                    assert_eq!(ids.len(), 1, "{idempotency}");
                }
            }));
        }
        scope.spawn(|| {
            let joined: Vec<_> = clients.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            done.store(true, Ordering::SeqCst);
            joined.into_iter().for_each(|client| client.unwrap());
        });
        while !done.load(Ordering::SeqCst) {
            match pauses_ms.next() {
                Some(pause_ms) => {
                    std::thread::sleep(Duration::from_millis(pause_ms));
                    node.kill();
                    node.start();
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    });
    // 1 + n/1000 from each of both, n from 0 to 19, on top of a million.
    let expected = "1000040.38";
    node.wait_for(|node| node.balance("ACC000001") == expected);
    node.kill();
    node.start();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(node.balance("ACC000001"), expected, "after what waits was handed in again");
    for sender in ["BANK_001", "BANK_002"] {
        let history = node.get(&format!("history/{sender}?limit=100")).unwrap();
        let sent: BTreeSet<&str> = history["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["id"].as_str().unwrap())
            .collect();
        assert_eq!(sent.len() as u64, TRANSFERS / 2, "{sender}");
        assert_eq!(history["entries"].as_array().unwrap().len() as u64, TRANSFERS / 2, "{sender}");
        assert_eq!(node.balance(sender), "999979.81");
    }
}

/// What the device, its policy and the grants of keys refuse, and everything that moves money.
#[test]
fn the_device_decides() {
    let mut node = Node::new("custody-decides", 1, "3");
    let first = node.start();
    let key = node.administrator(&first);
    let ask = |route: &str, key: &str, idempotency: Option<&str>, body: Value| {
        let start = Instant::now();
        loop {
            match post(&node.agent, node.port, route, key, idempotency, &body) {
                Some((503, _)) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
                Some((status, body)) => break (status, body),
                None => panic!("{}", node.log()),
            }
        }
    };
    let final_nonce = |account: &str, nonce: u64| {
        node.wait_for(|node| node.get(&format!("account/{account}")).is_some_and(|of| of["nonce"] == nonce));
    };
    let pool = json!({ "account": "BANK_001", "pool": "QNX-USDC", "asset_a": "QNX", "asset_b": "USDC", "fee_bps": 30 });
    assert_eq!(ask("pool", &key, None, pool).0, 202);
    final_nonce("BANK_001", 1);
    let liquidity = json!({ "account": "BANK_001", "pool": "QNX-USDC", "max_a": "1000", "max_b": "4000", "min_shares": "1" });
    assert_eq!(ask("liquidity", &key, None, liquidity).0, 202);
    final_nonce("BANK_001", 2);
    let swap = json!({ "account": "BANK_002", "token_in": "QNX", "token_out": "USDC", "amount_in": "10" });
    let (status, sent) = ask("swap", &key, Some("swap"), swap.clone());
    assert_eq!(status, 202, "{sent}");
    // 10 in, less 0.3 %, of 1,000 against 4,000, rounded down: what Uniswap v2's formula yields; at least 50 basis points less of it, rounded up.
    let least = sent["summary"].as_array().unwrap().iter().find(|line| line["label"] == "Receive at least");
    assert_eq!(least.unwrap()["value"], "39.288889769003039695 USDC");
    final_nonce("BANK_002", 1);
    assert_eq!(node.balance("BANK_002"), "1000039.486321375882451954");
    assert_eq!(
        ask("swap", &key, Some("swap"), swap.clone()).1["id"],
        sent["id"],
        "it is final, and the same"
    );
    let shares =
        json!({ "account": "BANK_001", "pool": "QNX-USDC", "shares": "100", "min_a": "0", "min_b": "0" });
    assert_eq!(ask("liquidity/remove", &key, None, shares).0, 202);
    final_nonce("BANK_001", 3);

    let transfer = |sender: &str, amount: &str| json!({ "sender": sender, "receiver": "ACC000002", "amount": amount, "currency": "USDC" });
    for (route, idempotency, body, status, name) in [
        ("transaction", None, transfer("BANK_002", "2000000"), 422, "INSUFFICIENT_BALANCE"),
        ("transaction", None, transfer("BANK_002", "0"), 422, "ZERO_AMOUNT"),
        ("transaction", None, transfer("BANK_009", "1"), 404, "NOT_IN_CUSTODY"),
        ("transaction", None, transfer("BANK_002", "1e3"), 400, "BODY_FORM"),
        ("transaction", None, transfer("BANK_002", "0.0000000000000000001"), 400, "BODY_FORM"),
        ("transaction", Some("swap"), transfer("BANK_002", "1"), 422, "IDEMPOTENCY_REUSED"),
        (
            "swap",
            Some("swap"),
            json!({ "account": "BANK_002", "token_in": "QNX", "token_out": "USDC", "amount_in": "11" }),
            422,
            "IDEMPOTENCY_REUSED",
        ),
        ("swap", None, json!({ "token_in": "QNX", "token_out": "USDC", "amount_in": "1" }), 400, "BODY_FORM"),
        (
            "swap",
            None,
            json!({ "account": "BANK_002", "token_in": "QNX", "token_out": "EUR", "amount_in": "1" }),
            404,
            "POOL_UNKNOWN",
        ),
        (
            "issue",
            None,
            json!({ "account": "BANK_002", "asset": "USDC", "receiver": "BANK_002", "amount": "1" }),
            422,
            "NOT_ISSUER",
        ),
        ("account", None, json!({ "account_id": "BANK_002" }), 422, "ID_IN_USE"),
        ("account", None, json!({ "account_id": "NOBODY" }), 404, "NOT_IN_CUSTODY"),
        ("account", None, json!({ "account_id": "BANK_003", "currency": "EUR" }), 404, "ASSET_UNKNOWN"),
    ] {
        let (found, answer) = ask(route, &key, idempotency, body.clone());
        assert_eq!((found, &answer["error"]["name"]), (status, &json!(name)), "{route} {body}: {answer}");
    }
    // A refusal of the device holds nothing up.
    assert_eq!(ask("transaction", &key, None, transfer("BANK_002", "1")).0, 202);
    final_nonce("BANK_002", 2);

    let limited = json!({ "name": "fund", "role": "fund", "accounts": ["BANK_003"] });
    let (_, made) = ask("keys", &key, None, limited);
    let fund = made["key"].as_str().unwrap();
    let (status, answer) = ask("transaction", fund, None, transfer("BANK_002", "1"));
    assert_eq!((status, &answer["error"]["name"]), (403, &json!("ACCOUNT_NOT_GRANTED")));
    assert_eq!(ask("transaction", fund, None, transfer("BANK_003", "1")).0, 202);
    // Its only account needs no name.
    assert_eq!(
        ask("swap", fund, None, json!({ "token_in": "USDC", "token_out": "QNX", "amount_in": "5" })).0,
        202
    );
    assert_eq!(ask("account", fund, None, json!({ "account_id": "BANK_003" })).0, 403);
    final_nonce("BANK_003", 2);
}
