//! The mechanism that takes whole transactions ([`crate::mechanism::CKM_QENEX_TRANSACTION`]): the key's policy decides.
//!
//! The data is a list of sections: one byte, the section's kind; four bytes little-endian, its length; its bytes. In this order:
//!
//! | kind | section | how many |
//! |---|---|---|
//! | 1 | the transaction, canonical | one |
//! | 2 | a transaction that the key signed before and that is not final, in the order of nonces | any |
//! | 3 | an approval: a canonical `hsm::proto::Approve` | any |
//! | 4 | a record that these transactions may touch, canonical, empty where there is none; in the order of the records' keys | any |
//! | 5 | the multi-proof of these records | one, if the policy asks for a witness |
//!
//! With a proof the device executes the transaction on the proven state before it signs. The signature is that of the ledger: of the digest that names scheme,
//! purpose and id. A refusal is the return value that [`crate::rv`] makes of the rule's number.

use cryptoki_sys::*;
use qenex_core::codec;
use qenex_core::hsm::proto::Approve;
use qenex_device::DeviceError;
use qenex_device::client::{Client, Witness};
use qenex_device::port::Port;

use crate::rv::Rv;

/// The longest data: more than any device takes.
pub const MAX_BYTES: usize = 65_536;

/// What the data brings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request<'a> {
    transaction: &'a [u8],
    pending: Vec<Vec<u8>>,
    approvals: Vec<&'a [u8]>,
    records: Vec<Vec<u8>>,
    proof: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Reads all sections. What they hold, the device judges.
    fn read(data: &'a [u8]) -> Option<Self> {
        let mut request = Self::default();
        let (mut last, mut rest) = (0, data);
        while let Some(([kind, length @ ..], tail)) = rest.split_first_chunk::<5>() {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (section, tail) = tail.split_at_checked(length)?;
            match (*kind, last) {
                (1, 0) => request.transaction = section,
                (2, 1..=2) => request.pending.push(section.to_vec()),
                (3, 1..=3) => request.approvals.push(section),
                (4, 1..=4) => request.records.push(section.to_vec()),
                (5, 1..=4) => request.proof = Some(section),
                _ => return None,
            }
            (last, rest) = (*kind, tail);
        }
        // Records prove nothing without a proof.
        (rest.is_empty() && last != 0 && last != 4).then_some(request)
    }
}

/// The signature of a transaction by the key in a slot.
///
/// # Errors
/// The data is no list of sections, or the device refused.
pub fn sign(client: &mut Client<Port>, slot: u8, data: &[u8]) -> Result<Result<Vec<u8>, DeviceError>, Rv> {
    let invalid = Rv(CKR_DATA_INVALID);
    let request = Request::read(data).ok_or(invalid)?;
    let approvals = request.approvals.iter().map(|bytes| codec::decode(bytes).map_err(|_| invalid));
    let approvals = approvals.collect::<Result<Vec<Approve<'_>>, _>>()?;
    Ok(bring(client, slot, &request, &approvals).and_then(|()| client.sign()))
}

fn bring(
    client: &mut Client<Port>,
    slot: u8,
    request: &Request<'_>,
    approvals: &[Approve<'_>],
) -> Result<(), DeviceError> {
    client.begin(slot, request.transaction, &request.pending, request.proof.is_some())?;
    approvals.iter().try_for_each(|approval| client.approve(approval))?;
    let Some(proof) = request.proof else { return Ok(()) };
    client.prove(&Witness { records: request.records.clone(), proof: proof.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(kind: u8, bytes: &[u8]) -> Vec<u8> {
        [&[kind][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
    }

    #[test]
    fn sections_come_in_order() {
        let all = [
            section(1, b"t"),
            section(2, b"p"),
            section(2, b"q"),
            section(3, b"a"),
            section(4, b""),
            section(4, b"r"),
            section(5, b"proof"),
        ];
        let whole = all.concat();
        let request = Request::read(&whole).expect("sections");
        assert_eq!(request.transaction, b"t");
        assert_eq!(request.pending, [b"p", b"q"]);
        assert_eq!(request.approvals, [b"a"]);
        assert_eq!(request.records, [&b""[..], b"r"]);
        assert_eq!(request.proof, Some(&b"proof"[..]));
        assert!(Request::read(&section(1, b"t")).is_some());
        // Every other order of any two, a kind that there is not, sections that end early, records without proof.
        for (one, first) in all.iter().enumerate() {
            for second in &all[..one] {
                let ordered = first[0] == second[0] && [2, 4].contains(&first[0]);
                let bytes = [&all[0], &first[..], second].concat();
                assert!(first[0] == 1 || ordered || Request::read(&bytes).is_none(), "{first:?} {second:?}");
            }
        }
        for bytes in [
            vec![],
            section(2, b"p"),
            section(0, b""),
            section(6, b""),
            [section(1, b"t"), section(4, b"r")].concat(),
        ] {
            assert_eq!(Request::read(&bytes), None, "{bytes:?}");
        }
        let ends: Vec<usize> = all
            .iter()
            .scan(0, |end, section| {
                *end += section.len();
                Some(*end)
            })
            .collect();
        for end in 1..whole.len() {
            let at_section = ends.contains(&end) && !ends[4..6].contains(&end);
            assert_eq!(Request::read(&whole[..end]).is_some(), at_section, "{end}");
        }
    }
}
