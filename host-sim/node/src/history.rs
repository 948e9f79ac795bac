//! What a block did, kept beside the chain: its receipts, and for each account that it touched which of its transactions
//! did so and which block touched the account before. From the newest block that touched an account, its history is a
//! walk back through these.
//!
//! Encoding, in postcard's format: the encoded receipts as a list of byte strings, then one after the other for each account
//! that was touched its id, the height before (zero for none), and the list of its transactions' places in the block.

use qenex_core::codec;
use qenex_core::id::AccountId;
use qenex_core::ledger::Receipt;
use serde::{Deserialize, Serialize};

/// An account that a block touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// The account.
    pub account: AccountId,
    /// The height of the block that touched it before; zero if none did.
    pub previous: u64,
    /// The places of the transactions in the block, ascending.
    pub places: Vec<u32>,
}

/// Writes what a block did.
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins with the receipts, already encoded.
    pub fn new<'a>(receipts: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        let mut writer = Self(Vec::with_capacity(receipts.len() * 48));
        writer.append(&receipts.len());
        for receipt in receipts {
            writer.append(&receipt.len());
            writer.0.extend_from_slice(receipt);
        }
        writer
    }

    fn append(&mut self, value: &(impl Serialize + ?Sized)) {
        let bytes = std::mem::take(&mut self.0);
        // Memory takes any number of bytes, and the values have no part that postcard could refuse.
        self.0 = postcard::to_extend(value, bytes).unwrap_or_default();
    }

    /// Adds an account.
    pub fn touch(&mut self, account: AccountId, previous: u64, places: impl ExactSizeIterator<Item = u32>) {
        self.append(&(account, previous, places.len()));
        for place in places {
            self.append(&place);
        }
    }

    /// All of it.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads what [`Writer`] wrote. Damage shows as nothing.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let (value, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(value)
    }

    fn receipt(&mut self) -> Option<&'a [u8]> {
        self.next()
    }
}

/// The receipt of the transaction at `place`.
pub fn receipt(record: &[u8], place: u32) -> Option<Receipt> {
    let mut reader = Reader(record);
    if place >= reader.next::<u32>()? {
        return None;
    }
    for _ in 0..place {
        reader.receipt()?;
    }
    codec::decode(reader.receipt()?).ok()
}

/// All receipts, encoded, in the order of the transactions.
pub fn receipts(record: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = Reader(record);
    (0..reader.next::<u32>()?).map(|_| reader.receipt()).collect()
}

/// What the block did to an account.
pub fn touch(record: &[u8], account: AccountId) -> Option<Touch> {
    let mut reader = Reader(record);
    for _ in 0..reader.next::<u32>()? {
        reader.receipt()?;
    }
    std::iter::from_fn(|| reader.next::<Touch>()).find(|touch| touch.account == account)
}

#[cfg(test)]
mod tests {
    use qenex_core::codec::Encoded;
    use qenex_core::ledger::Outcome;
    use qenex_core::num::Amount;

    use super::*;

    #[test]
    fn reads_what_was_written_and_nothing_from_less() {
        let receipts: Vec<_> = (1..4)
            .map(|i| Receipt {
                fee: Amount::from_whole(i),
                outcome: Outcome::Swapped(Amount::ONE, Amount::from_whole(i)),
            })
            .collect();
        let encoded: Vec<Vec<u8>> =
            receipts.iter().map(|r| codec::encode(r, &mut [0; Receipt::MAX_LEN]).unwrap().to_vec()).collect();
        let touches = ["A", "B", "LONG-NAME"].map(|name| Touch {
            account: AccountId::new(name).unwrap(),
            previous: name.len() as u64,
            places: (0..name.len() as u32).collect(),
        });
        let mut writer = Writer::new(encoded.iter().map(Vec::as_slice));
        for Touch { account, previous, places } in &touches {
            writer.touch(*account, *previous, places.iter().copied());
        }
        let record = writer.finish();
        for (place, expected) in receipts.iter().enumerate() {
            assert_eq!(receipt(&record, place as u32).as_ref(), Some(expected));
        }
        assert_eq!(receipt(&record, 3), None);
        for expected in &touches {
            assert_eq!(touch(&record, expected.account).as_ref(), Some(expected));
        }
        assert_eq!(touch(&record, AccountId::new("C").unwrap()), None);
        for cut in 0..record.len() {
            assert_eq!(touch(&record[..cut], touches[2].account), None);
        }
    }
}
