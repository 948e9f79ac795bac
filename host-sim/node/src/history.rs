//! What a block did, kept beside the chain: its receipts, and for each account that it touched which of its transactions
//! did so and which block touched the account before. From the newest block that touched an account, its history is a
//! walk back through these.
//!
//! Encoding (integers little-endian): number of receipts (u32), each with its length (u16) before it; number of
//! accounts (u32), each with its padded id (24 bytes), the height before (u64, zero for none), the number of its transactions (u32)
//! and their places in the block (u32 each).

use qenex_core::codec;
use qenex_core::id::AccountId;
use qenex_core::ledger::Receipt;

/// An account that a block touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The account.
    pub account: AccountId,
    /// The height of the block that touched it before; zero if none did.
    pub previous: u64,
    /// The places of the transactions in the block, ascending.
    pub places: Vec<u32>,
}

/// Writes the receipts, already encoded, and the touches.
pub fn encode<'a>(receipts: impl ExactSizeIterator<Item = &'a [u8]>, touches: &[Touch]) -> Vec<u8> {
    let mut out = Vec::with_capacity(receipts.len() * 12 + touches.len() * 40 + 8);
    out.extend_from_slice(&(receipts.len() as u32).to_le_bytes());
    for receipt in receipts {
        out.extend_from_slice(&(receipt.len() as u16).to_le_bytes());
        out.extend_from_slice(receipt);
    }
    out.extend_from_slice(&(touches.len() as u32).to_le_bytes());
    for touch in touches {
        out.extend_from_slice(touch.account.padded());
        out.extend_from_slice(&touch.previous.to_le_bytes());
        out.extend_from_slice(&(touch.places.len() as u32).to_le_bytes());
        for place in &touch.places {
            out.extend_from_slice(&place.to_le_bytes());
        }
    }
    out
}

/// Reads what [`encode`] wrote. Damage shows as nothing.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn receipt(&mut self) -> Option<&'a [u8]> {
        let len = u16::from_le_bytes(self.array()?);
        self.bytes(usize::from(len))
    }
}

/// The receipt of the transaction at `place`.
pub fn receipt(record: &[u8], place: u32) -> Option<Receipt> {
    let mut reader = Reader(record);
    if place >= reader.u32()? {
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
    (0..reader.u32()?).map(|_| reader.receipt()).collect()
}

/// What the block did to an account.
pub fn touch(record: &[u8], account: AccountId) -> Option<Touch> {
    let mut reader = Reader(record);
    for _ in 0..reader.u32()? {
        reader.receipt()?;
    }
    for _ in 0..reader.u32()? {
        let found = reader.bytes(account.padded().len())? == account.padded();
        let previous = u64::from_le_bytes(reader.array()?);
        let count = reader.u32()? as usize;
        let places = reader.bytes(count.checked_mul(4)?)?;
        if found {
            let places =
                places.chunks_exact(4).filter_map(|p| p.try_into().ok()).map(u32::from_le_bytes).collect();
            return Some(Touch { account, previous, places });
        }
    }
    None
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
        let record = encode(encoded.iter().map(Vec::as_slice), &touches);
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
