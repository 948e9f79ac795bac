//! What a block did, kept beside the chain: its receipts, and for each account that a transaction touched how long ago it
//! was touched before. From the newest block that touched an account, its history is a walk back through these.
//!
//! Encoding, in postcard's format: the number of transactions, then for each its encoded receipt as a byte string and the list,
//! over the accounts in the order of [`access`], of how many blocks before this one the account was touched: zero
//! where an earlier transaction of the same block did, the block's height where nothing ever did.

use memchr::memmem::Finder;
use qenex_core::codec;
use qenex_core::id::AccountId;
use qenex_core::ledger::{Receipt, RecordId, access};
use qenex_core::tx::SignedTransaction;
use serde::{Deserialize, Serialize};

use crate::block::Batch;

/// What a block did to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The height of the block that touched it before; zero if none did.
    pub previous: u64,
    /// The places of its transactions in the block, ascending.
    pub places: Vec<u32>,
}

/// Writes what the block at a height did: each transaction's receipt, already encoded, with the number of accounts that
/// it touched, and for all of these the height of the block that touched them before.
pub(crate) fn encode<'a>(
    height: u64,
    receipts: impl ExactSizeIterator<Item = (&'a [u8], usize)>,
    previous: &[u64],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(receipts.len() * 12);
    append(&mut out, &receipts.len());
    let mut previous = previous.iter();
    for (receipt, touched) in receipts {
        append(&mut out, &receipt.len());
        out.extend_from_slice(receipt);
        append(&mut out, &touched);
        previous.by_ref().take(touched).for_each(|previous| append(&mut out, &(height - previous)));
    }
    out
}

fn append(out: &mut Vec<u8>, value: &impl Serialize) {
    // Memory takes any number of bytes, and postcard refuses no number.
    *out = postcard::to_extend(value, std::mem::take(out)).unwrap_or_default();
}

/// What one transaction did.
#[derive(Deserialize)]
struct Entry<'a> {
    receipt: &'a [u8],
    blocks_back: Vec<u64>,
}

/// Reads what [`encode`] wrote. Damage ends it.
fn entries(record: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let (count, mut rest) = postcard::take_from_bytes::<u32>(record).unwrap_or_default();
    (0..count).map_while(move |_| {
        let entry;
        (entry, rest) = postcard::take_from_bytes(rest).ok()?;
        Some(entry)
    })
}

/// The receipts of all transactions, in order. Damage ends them.
pub fn receipts(record: &[u8]) -> impl Iterator<Item = Receipt> {
    entries(record).map_while(|entry| codec::decode(entry.receipt).ok())
}

/// The receipt of the transaction at `place`.
pub fn receipt(record: &[u8], place: u32) -> Option<Receipt> {
    codec::decode(entries(record).nth(place as usize)?.receipt).ok()
}

/// What the block with these transactions at a height did to an account.
pub fn touch(record: &[u8], height: u64, transactions: &Batch, account: AccountId) -> Option<Touch> {
    let mut touch: Option<Touch> = None;
    // Only what holds the id can have touched the account; decoding all would take ten times as long.
    let finder = Finder::new(account.as_str());
    for ((entry, signed), place) in entries(record).zip(transactions.iter()).zip(0..) {
        if finder.find(signed).is_none() {
            continue;
        }
        let transaction = SignedTransaction::decode(signed).ok()?.transaction;
        let accounts = access(&transaction).into_iter().filter(|id| matches!(id, RecordId::Account(_)));
        for (id, back) in accounts.zip(&entry.blocks_back) {
            if id == RecordId::Account(account) {
                let previous = height.checked_sub(*back)?;
                touch.get_or_insert_with(|| Touch { previous, places: Vec::new() }).places.push(place);
            }
        }
    }
    touch
}

#[cfg(test)]
mod tests {
    use qenex_core::codec::Encoded;
    use qenex_core::crypto::Scheme;
    use qenex_core::id::{AssetId, ChainId, Reference};
    use qenex_core::ledger::Outcome;
    use qenex_core::num::Amount;
    use qenex_core::tx::{Leg, LegsBuf, MAX_SIGNED_LEN, Op, Signature, Transaction, Transfer, encode_signed};

    use super::*;

    fn name(text: &str) -> AccountId {
        AccountId::new(text).unwrap()
    }

    fn transfer(from: &str, to: &str) -> Vec<u8> {
        let leg = Leg { to: name(to), amount: Amount::ONE, reference: Reference::new("for C").unwrap() };
        let legs = LegsBuf::new(&[leg]).unwrap();
        let transaction = Transaction {
            chain_id: ChainId::new("T").unwrap(),
            sender: name(from),
            nonce: 0,
            last_valid_height: 9,
            fee: Amount::ZERO,
            op: Op::Transfer(Transfer { asset: AssetId::new("USD").unwrap(), legs: legs.get() }),
        };
        let signature = Signature { scheme: Scheme::Ed25519, public_key: &[7; 32], signature: &[8; 64] };
        encode_signed(&transaction, &[signature], &mut [0; MAX_SIGNED_LEN]).unwrap().to_vec()
    }

    #[test]
    fn reads_what_was_written_and_nothing_from_less() {
        let mut transactions = Batch::default();
        for (from, to) in [("A", "B"), ("B", "LONG-NAME"), ("A", "B")] {
            transactions.push(&transfer(from, to));
        }
        let receipts: Vec<_> = (1..4)
            .map(|i| Receipt {
                fee: Amount::from_whole(i),
                outcome: Outcome::Swapped(Amount::ONE, Amount::from_whole(i)),
            })
            .collect();
        let encoded: Vec<Vec<u8>> =
            receipts.iter().map(|r| codec::encode(r, &mut [0; Receipt::MAX_LEN]).unwrap().to_vec()).collect();
        let height = 1_000;
        let previous = [7, 999, height, 0, height, height];
        let record = encode(height, encoded.iter().map(|receipt| (receipt.as_slice(), 2)), &previous);
        for (place, expected) in receipts.iter().enumerate() {
            assert_eq!(receipt(&record, place as u32).as_ref(), Some(expected));
        }
        assert_eq!(super::receipts(&record).collect::<Vec<_>>(), receipts);
        assert_eq!(receipt(&record, 3), None);
        for (account, previous, places) in
            [("A", 7, vec![0, 2]), ("B", 999, vec![0, 1, 2]), ("LONG-NAME", 0, vec![1])]
        {
            let expected = Some(Touch { previous, places });
            assert_eq!(touch(&record, height, &transactions, name(account)), expected, "{account}");
        }
        // In the reference of each, and no account of it.
        assert_eq!(touch(&record, height, &transactions, name("C")), None);
        for cut in 0..record.len() {
            let less = &record[..cut];
            assert_eq!(receipt(less, 2), None);
            assert_ne!(
                touch(less, height, &transactions, name("B")).map(|touch| touch.places.len()),
                Some(3)
            );
        }
    }
}
