#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use qenex_core::id::AccountId;
use qenex_core::tx::SignedTransaction;
use qenex_node::block::{Batch, Block};
use qenex_node::error::Refusal;
use qenex_node::history;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::records::Records;

const NAME: AccountId = match AccountId::new("A") {
    Ok(name) => name,
    Err(_) => panic!("an identifier"),
};

// What a node reads from its own files or from others: blocks, buckets of records, what a block did.
fuzz_target!(|data: &[u8]| {
    if let Ok(block) = Block::decode(data) {
        assert_eq!(block.encode(), data);
        let prepared = prepare(block.transactions.clone(), Signatures::Committed);
        for (index, signed) in block.transactions.iter().enumerate() {
            match (prepared.transaction(index), SignedTransaction::decode(signed)) {
                (Ok(transaction), Ok(decoded)) => assert_eq!(transaction, decoded.transaction),
                (Err(Refusal::Decode(_)), Err(_)) => {}
                // A key or a signature that does not have the length of its scheme.
                (Err(Refusal::Signature(_)), Ok(_)) => {}
                (prepared, decoded) => panic!("{prepared:?}, {decoded:?}"),
            }
        }
    }
    if let Ok(mut records) = Records::load(0, std::iter::once((0, Arc::from(data)))) {
        let all: Vec<_> = records.decoded().map(|(id, _)| id).collect();
        for id in all {
            let key = id.key();
            records.get(&id, &key);
            records.set_head(&id, &key, 1);
        }
    }
    let mut transactions = Batch::default();
    transactions.push(data);
    history::receipt(data, u32::from(data.len() as u8));
    history::touch(data, 1, &transactions, NAME);
});
