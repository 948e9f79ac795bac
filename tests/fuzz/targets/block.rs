#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use qenex_core::tx::SignedTransaction;
use qenex_node::block::Block;
use qenex_node::history;
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::records::Records;

// What a node reads from its own files or from others: blocks, buckets of records, what a block did.
fuzz_target!(|data: &[u8]| {
    if let Ok(block) = Block::decode(data) {
        assert_eq!(block.encode(), data);
        let prepared = prepare(block.transactions.clone(), Signatures::Committed);
        for (index, signed) in block.transactions.iter().enumerate() {
            let decoded = SignedTransaction::decode(signed);
            assert_eq!(prepared.get(index).is_ok(), decoded.is_ok());
        }
    }
    if let Ok(mut records) = Records::load(0, std::iter::once((0, Arc::from(data)))) {
        let all: Vec<_> = records.decoded().collect();
        for (id, _) in all {
            let key = id.key();
            records.get(&id, &key);
            records.set_head(&id, &key, 1);
        }
    }
    let receipts = history::receipts(data).unwrap_or_default();
    let last = receipts.len().saturating_sub(1);
    assert_eq!(
        history::receipt(data, last as u32).is_some(),
        !receipts.is_empty() && {
            receipts
                .last()
                .is_some_and(|bytes| qenex_core::codec::decode::<qenex_core::ledger::Receipt>(bytes).is_ok())
        }
    );
});
