//! The command as its users meet it: what it prints, what it refuses, what is left on the disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::Path;

mod folder;

use folder::Folder;
use serde_json::Value;

/// The state root at the end of the demonstration. It changes only when a format or a rule does.
const DEMO_ROOT: &str = "cd527c10db87b236db018fcc2400852f9b25f9a48b5d08e7013d3643af0dd882";

#[test]
fn the_demonstration_and_what_it_says_to_go_on_with() {
    let folder = Folder::new("demo");
    let demo = folder.json("demo");
    assert_eq!(demo["state_root"], DEMO_ROOT);
    assert_eq!(demo["recovery"]["blocks"], 6);
    // It may be run again: what it left is replaced.
    assert_eq!(folder.json("demo")["state_root"], DEMO_ROOT);
    let text = String::from_utf8(folder.run("demo").stdout).unwrap();
    let commands: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("cargo run --release -- ")).collect();
    assert!(commands.len() >= 8);
    for command in commands {
        folder.json(command);
    }
    let account = folder.json("account show ACC000001");
    // 2076.543211, then 25 sent and 100 swapped.
    assert_eq!(account["balances"]["USDC"], "1951.543211");
    assert_eq!(account["nonce"], 5);
    assert_eq!(folder.json("history ACC000001")["entries"].as_array().unwrap().len(), 8);
    assert_eq!(folder.json("check")["state_root"], folder.json("proof make ACC000001")["state_root"]);
}

#[test]
fn accounts_keys_assets_and_pools() {
    let folder = Folder::new("commands");
    folder.json("demo");
    for name in ["a", "b", "c"] {
        folder.json(&format!("key new {name}.key"));
    }
    folder.refused("key new a.key", 2, "OUTPUT_FILE");
    let shown = folder.json("key show a.key");
    assert_eq!(shown["public_key"].as_str().unwrap().len(), 64);
    // Two of three keys.
    folder.json(
        "account create SHOP --from BANK_001 --label qenex-demo --kind institution --kyc 2 --threshold 2 \
         --owner-key a.key --owner-key b.key --owner-key c.key",
    );
    folder.refused(
        "account create SHOP --from BANK_001 --label qenex-demo --owner-key a.key",
        1,
        "ID_IN_USE",
    );
    folder.refused(
        "account create X --from ACC000001 --label qenex-demo --owner-key a.key",
        1,
        "NOT_PERMITTED",
    );
    folder.json(
        "send --label qenex-demo --from BANK_001 --asset USDC --to SHOP=100 --to ACC000001=1.5 --reference x",
    );
    folder.refused("send --key a.key --from SHOP --asset USDC --to ACC000001=1", 1, "AUTHORITY_NOT_MET");
    folder.json("send --key c.key --key a.key --from SHOP --asset USDC --to ACC000001=1");
    folder.refused(
        "send --key a.key --key b.key --key c.key --from SHOP --asset USDC --to ACC000001=1",
        1,
        "AUTHORITY_NOT_MET",
    );
    folder.json("asset create GOLD --from SHOP --key a.key --key b.key --max-supply 10");
    folder.json("asset issue GOLD --from SHOP --key a.key --key b.key --to SHOP --amount 9.5");
    folder.refused(
        "asset issue GOLD --from SHOP --key a.key --key b.key --to SHOP --amount 1",
        1,
        "ABOVE_MAX_SUPPLY",
    );
    folder.json("asset burn GOLD --from SHOP --key a.key --key b.key --amount 0.5");
    assert_eq!(folder.json("asset show GOLD")["supply"], "9");
    folder.json("pool create GOLD-USDC --from SHOP --key a.key --key b.key --assets USDC GOLD --fee-bps 100");
    let added = folder.json("pool add GOLD-USDC --from SHOP --key a.key --key b.key --max-a 4 --max-b 9");
    assert_eq!(added["outcome"]["shares"], "5.999999999999999"); // sqrt(36) less what stays locked
    let swap =
        folder.json("swap --pool GOLD-USDC --from ACC000001 --label qenex-demo --give USDC --amount-in 1");
    assert_eq!(swap["outcome"]["amount_out"], "0.396396396396396396"); // 4 * 0.99 / 9.99
    folder.json("pool remove GOLD-USDC --from SHOP --key a.key --key b.key --shares 1");
    folder.refused(
        "swap --pool GOLD-USDC --from ACC000001 --label qenex-demo --give USDC --amount-in 1 --min-out 1",
        1,
        "AMM_OUTPUT_BELOW_MINIMUM",
    );
    folder.json("account rotate SHOP --key a.key --key b.key --owner-key c.key");
    folder.refused("account close SHOP --key c.key", 1, "ACCOUNT_NOT_EMPTY");
    folder.json("account freeze SHOP --from TREASURY --label qenex-demo");
    folder.refused("send --key c.key --from SHOP --asset USDC --to ACC000001=1", 1, "ACCOUNT_NOT_ACTIVE");
    folder.json("account unfreeze SHOP --from TREASURY --label qenex-demo");
    let signed =
        folder.json("send --key c.key --from SHOP --asset USDC --to ACC000001=0.5 --fee 0 --out pay.tx");
    let shown = folder.json("tx show pay.tx");
    assert_eq!(shown["id"], signed["id"]);
    let values: Vec<&str> =
        shown["summary"].as_array().unwrap().iter().map(|line| line["value"].as_str().unwrap()).collect();
    assert!(values.contains(&"0.5 USDC") && values.contains(&"ACC000001") && values.contains(&"SHOP"));
    let display = String::from_utf8(folder.run("tx show pay.tx --display").stdout).unwrap();
    assert!(display.lines().all(|line| line.chars().count() == 23), "{display}");
    assert_eq!(folder.json("tx submit pay.tx")["id"], signed["id"]);
    folder.refused("tx submit pay.tx", 1, "NONCE_USED");
    folder.json("check");
}

#[test]
fn quotes_are_exact() {
    let folder = Folder::new("quote");
    let quote = "quote constant-product --reserve-in 10000 --reserve-out 5 --fee-bps 30";
    let forward = folder.json(&format!("{quote} --amount-in 1000"));
    assert_eq!(forward["amount_out"], "0.453305446940074565");
    assert_eq!(forward["price_impact"], "0.09338910611985087");
    assert_eq!(forward["fee"], "3");
    let back = folder.json(&format!("{quote} --amount-out 0.453305446940074565"));
    // floor(10,000 * out * 10,000 / ((5 - out) * 9,970)) plus one unit, as in Uniswap v2.
    assert_eq!(back["amount_in"], "999.999999999999998082");
    folder.refused(&format!("{quote} --amount-out 5"), 1, "AMM_INSUFFICIENT_LIQUIDITY");
    folder.refused(
        "quote constant-product --reserve-in 1 --reserve-out 1 --fee-bps 10000 --amount-in 1",
        1,
        "AMM_FEE_OUT_OF_RANGE",
    );
    for wrong in [
        "--amount-in 1e3",
        "--amount-in -1",
        "--amount-in 0.0000000000000000001",
        "",
        "--amount-in 1 --amount-out 1",
    ] {
        assert_eq!(folder.run(&format!("{quote} {wrong}")).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn wrong_input_is_told_and_loses_nothing() {
    let folder = Folder::new("wrong");
    folder.refused("account show A --data nothing", 2, "DIRECTORY");
    folder.refused("replay nothing.csv", 2, "INPUT_FILE");
    folder.file("empty.csv", "");
    folder.refused("replay empty.csv", 2, "INPUT_COLUMNS");
    folder.file("other.csv", "a,b\n1,2\n");
    assert!(
        folder.refused("replay other.csv", 2, "INPUT_COLUMNS")["detail"].as_str().unwrap().contains("a, b")
    );
    folder.file("cut.parquet", "PAR1 and no more");
    folder.refused("replay cut.parquet", 2, "INPUT_FILE");
    folder.refused("tx show nothing.tx", 2, "INPUT_FILE");
    folder.file("junk.tx", "0110ff");
    folder.refused("tx show junk.tx", 2, "DECODE_UNKNOWN_TAG");
    folder.file("junk.key", "not a key");
    folder.refused("key show junk.key", 2, "KEY_FILE");
    folder.file("junk.json", "{}");
    folder.refused("proof verify junk.json", 2, "PROOF_FILE");
    for wrong in ["replay --transfers 0", "replay --workers 0", "replay --block 0", "execute --accounts 1"] {
        assert_eq!(folder.run(&format!("bench {wrong}")).status.code(), Some(2), "{wrong}");
    }
    // A directory that is not of a demonstration is never replaced.
    folder.file("keep", "");
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    folder.refused("demo --data mine", 2, "DIRECTORY");

    folder.json("demo");
    folder.refused("account show NOBODY", 1, "ACCOUNT_UNKNOWN");
    folder.refused("pool show NOTHING", 1, "POOL_UNKNOWN");
    folder.refused(
        "send --label qenex-demo --from ACC000001 --asset USDC --to ACC000001=1",
        1,
        "SELF_TRANSFER",
    );
    folder.refused("send --label qenex-demo --from ACC000001 --asset USDC --to BANK_001=0", 1, "ZERO_AMOUNT");
    folder.refused(
        "send --label qenex-demo --from ACC000001 --asset USDC --to BANK_001=1 --to BANK_001=1",
        2,
        "ARGUMENT",
    );
    folder.refused(
        "send --label qenex-demo --from ACC000001 --asset USDC --to BANK_001=99999999",
        1,
        "INSUFFICIENT_BALANCE",
    );
    folder.refused(
        "send --label wrong --from ACC000001 --asset USDC --to BANK_001=1",
        1,
        "AUTHORITY_NOT_MET",
    );
    for wrong in ["lower=1", "A", "A=1.", "ABCDEFGHIJKLMNOPQRSTUVWXYZ=1"] {
        let args = format!("send --label qenex-demo --from ACC000001 --asset USDC --to {wrong}");
        assert_eq!(folder.run(&args).status.code(), Some(2), "{wrong}");
    }
    assert_eq!(folder.json("check")["state_root"], DEMO_ROOT);
}

#[test]
fn proofs_prove_and_refute() {
    let folder = Folder::new("proof");
    folder.json("demo");
    folder.json("proof make ACC000001 --asset ETH --out proof.json");
    let proven = folder.json(&format!("proof verify proof.json --root {DEMO_ROOT}"));
    assert!(proven["proven"].to_string().contains("0.368854045456737044 ETH"));
    folder.json("proof make NOBODY --asset ETH --out nobody.json");
    assert!(folder.json("proof verify nobody.json")["proven"].to_string().contains("not there"));
    folder.refused(&format!("proof verify proof.json --root {}", "0".repeat(64)), 1, "PROOF_REFUTED");
    folder.refused("proof verify proof.json --root 12", 2, "ARGUMENT");
    let text = std::fs::read_to_string(folder.path().join("proof.json")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    // Another balance under the same proof.
    let statements = value["statements"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        let record = statement["record"].as_str().unwrap().to_string();
        if record.starts_with("0320") {
            let last = if record.ends_with('1') { '3' } else { '1' };
            statement["record"] = Value::String(format!("{}{last}", &record[..record.len() - 1]));
        }
    }
    folder.file("false.json", &value.to_string());
    folder.refused("proof verify false.json", 1, "PROOF_REFUTED");
}

#[test]
fn damage_is_found_and_named() {
    let folder = Folder::new("damage");
    folder.json("demo");
    let data = folder.path().join("demo.qenex");
    let log = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "log"))
        .unwrap();
    let good = std::fs::read(&log).unwrap();
    // In the middle of what is used: a committed block.
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let mut bad = good.clone();
    bad[used / 2] ^= 0x40;
    std::fs::write(&log, &bad).unwrap();
    let error = folder.refused("check", 3, "STORE_DAMAGED");
    assert!(
        error["detail"].as_str().unwrap().contains(log.file_name().unwrap().to_str().unwrap()),
        "{error}"
    );
    std::fs::write(&log, &good).unwrap();
    folder.json("check");
}

fn replay_file(folder: &Folder) -> String {
    let mut text = String::from("time,from,to,amount,asset\n");
    for i in 0..500 {
        text +=
            &format!("{i},acc{},acc{},{}.{:02},{}\n", i % 37, i % 41, i + 1, i % 100, ["USD", "EUR"][i % 2]);
    }
    text += "500,acc1,acc2,abc,USD\n501,acc1,,5,USD\n502,acc1,acc2,0,USD\n503,acc1,acc2,0.0000000000000000001,USD\n504,acc1\n";
    folder.file("transfers.csv", &text)
}

#[test]
fn a_file_replays_to_the_same_root() {
    let folder = Folder::new("replay");
    let file = replay_file(&folder);
    let first = folder.json(&format!("replay {file} --data kept"));
    // Rows i where i mod 37 = i mod 41 are transfers to oneself: 0 to 36.
    assert_eq!(first["self_transfers"], 37);
    assert_eq!(first["transfers"], 463);
    assert_eq!(first["rejected"], 42);
    assert_eq!(first["rejected_by_reason"]["SELF_TRANSFER"], 37);
    assert_eq!(first["rejected_by_reason"]["ZERO_AMOUNT"], 1);
    assert_eq!(first["rejected_by_reason"]["INPUT_VALUE"], 2);
    assert_eq!(first["rejected_by_reason"]["NUM_SYNTAX"], 1);
    assert_eq!(first["rejected_by_reason"]["NUM_TOO_MANY_DIGITS"], 1);
    assert_eq!(first["rejected_lines"][41]["line"], 506);
    let second = folder.json(&format!("replay {file} --block 7"));
    assert_eq!(first["state_root"], second["state_root"], "the state does not depend on how blocks are cut");
    assert!(second["blocks"].as_u64() > first["blocks"].as_u64());
    assert_ne!(first["state_root"], folder.json(&format!("replay {file} --label other"))["state_root"]);
    assert_eq!(folder.json("check --data kept")["state_root"], first["state_root"]);
    folder.refused(&format!("replay {file} --data kept"), 3, "DIRECTORY");
    // Few opening balances: most transfers overdraw, and each sender goes on with the right nonce.
    folder.file("balances.csv", "account,balance\nacc0,1000\nacc3,5000\n");
    let poor = folder.json(&format!("replay {file} --accounts balances.csv"));
    assert_eq!(poor["transfers"].as_u64().unwrap() + poor["rejected"].as_u64().unwrap(), 505);
    assert!(poor["rejected_by_reason"]["INSUFFICIENT_BALANCE"].as_u64().unwrap() > 200);
    assert!(poor["rejected_by_reason"]["NONCE_AHEAD"].is_null());
    let again = folder.json(&format!("replay {file} --accounts balances.csv --block 3"));
    assert_eq!(poor["state_root"], again["state_root"]);
}

/// Real files, where they are at hand, to the roots of earlier runs: the same on every machine.
#[test]
fn public_files_replay_to_their_known_roots() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let world = shared.join("ibm_amlworld_hi_small_2to1.parquet");
    if !world.exists() {
        println!("left out: {} is not there", world.display());
        return;
    }
    let folder = Folder::new("public");
    let result = folder.json(&format!("replay {}", world.display()));
    assert_eq!(result["transfers"], 14_327);
    assert_eq!(result["rejected_by_reason"]["SELF_TRANSFER"], 1_204);
    assert_eq!(result["two_currencies"], 162);
    assert_eq!(result["state_root"], "6992605daf05901ed9ed0c3e890f235007164fb6688e7bf268561bd7f95e85ca");
}
