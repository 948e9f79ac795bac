//! X25519 (RFC 7748): a secret that two keys share.

use curve25519_dalek::MontgomeryPoint;
use curve25519_dalek::constants::X25519_BASEPOINT;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::error_enum;

/// Length of secret keys, public keys and shared secrets.
pub const KEY_BYTES: usize = 32;

error_enum! {
    /// Why there is no shared secret.
    pub enum ExchangeError {
        LowOrder => EXCHANGE_LOW_ORDER,
    }
}

/// The public key of a secret key.
pub fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    multiply(secret, &X25519_BASEPOINT).to_bytes()
}

/// The secret that both sides compute.
///
/// # Errors
/// The other side's point has low order: everybody would know the result.
pub fn exchange(
    secret: &[u8; KEY_BYTES],
    public: &[u8; KEY_BYTES],
) -> Result<Zeroizing<[u8; KEY_BYTES]>, ExchangeError> {
    let shared = Zeroizing::new(multiply(secret, &MontgomeryPoint(*public)).to_bytes());
    if bool::from(shared.ct_eq(&[0; KEY_BYTES])) { Err(ExchangeError::LowOrder) } else { Ok(shared) }
}

/// Clamps the secret (RFC 7748, section 5) and multiplies by its bits, from the most significant one down.
fn multiply(secret: &[u8; KEY_BYTES], point: &MontgomeryPoint) -> MontgomeryPoint {
    let mut scalar = Zeroizing::new(*secret);
    let [first, .., last] = &mut *scalar;
    *first &= 0b1111_1000;
    *last = *last & 0b0111_1111 | 0b0100_0000;
    let bits =
        scalar.iter().rev().flat_map(|byte| (0..8u32).rev().map(move |bit| byte.wrapping_shr(bit) & 1 == 1));
    // The top bit is zero in every clamped scalar.
    point.mul_bits_be(bits.skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::ToOwned;
    use std::vec::Vec;

    fn hex(text: &str) -> [u8; 32] {
        let bytes: Vec<u8> =
            (0..64).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }

    /// RFC 7748, sections 5.2 and 6.1.
    #[test]
    fn rfc_7748() {
        let shared = exchange(
            &hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            &hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
        );
        assert_eq!(*shared.unwrap(), hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
        let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        assert_eq!(public_key(&bob), hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
        let alice = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        assert_eq!(
            *exchange(&bob, &alice).unwrap(),
            hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        );
    }

    /// RFC 7748, section 5.2: a thousand rounds.
    #[test]
    fn a_thousand_rounds() {
        let (mut k, mut u) =
            (hex(&("09".to_owned() + &"00".repeat(31))), hex(&("09".to_owned() + &"00".repeat(31))));
        for round in 1..=1_000 {
            let next = exchange(&k, &u).unwrap();
            (u, k) = (k, *next);
            if round == 1 {
                assert_eq!(k, hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
            }
        }
        assert_eq!(k, hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
    }

    #[test]
    fn points_of_low_order_are_refused() {
        for point in [hex(&"00".repeat(32)), hex(&("01".to_owned() + &"00".repeat(31)))] {
            assert_eq!(exchange(&[7; 32], &point), Err(ExchangeError::LowOrder));
        }
    }
}
