//! Decoded points and the cache of decoded keys.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};

/// The y coordinates of the eight points of small order; both points of a y have small order.
static SMALL_ORDER_Y: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| without_sign(point.compress().as_bytes())));

fn without_sign(bytes: &[u8; 32]) -> [u8; 32] {
    let mut y = *bytes;
    y[31] &= 0x7f;
    y
}

/// Whether y, without the sign bit, is below p = 2^255 - 19.
fn is_reduced(y: &[u8; 32]) -> bool {
    y[31] != 0x7f || y[1..31].iter().any(|&byte| byte != 0xff) || y[0] < 0xed
}

/// The point of a canonical encoding, unless it has small order. The encodings with x = 0 and the sign bit set, which
/// are not canonical either, are those of points of small order.
pub fn decode(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let y = without_sign(bytes);
    if !is_reduced(&y) || SMALL_ORDER_Y.contains(&y) {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}

/// Decoded keys, at most twice `generation`: when the younger generation is full it becomes the older one, and what
/// was not used since then is forgotten. A key that is no valid one is never kept.
#[derive(Debug)]
pub struct KeyCache {
    generation: usize,
    maps: RwLock<Maps>,
}

#[derive(Debug, Default)]
struct Maps {
    young: HashMap<[u8; 32], EdwardsPoint>,
    old: HashMap<[u8; 32], EdwardsPoint>,
}

impl KeyCache {
    pub fn new(keys: usize) -> Self {
        Self { generation: keys.div_ceil(2), maps: RwLock::default() }
    }

    /// The points of these keys, `None` where a key is not valid.
    pub fn decode_all(&self, keys: &[&[u8; 32]]) -> Vec<Option<EdwardsPoint>> {
        let mut missing = Vec::new();
        let mut points = Vec::with_capacity(keys.len());
        {
            let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
            for (index, key) in keys.iter().enumerate() {
                let young = maps.young.get(*key).copied();
                if young.is_none() {
                    missing.push(index);
                }
                points.push(young.or_else(|| maps.old.get(*key).copied()));
            }
        }
        if missing.is_empty() {
            return points;
        }
        for &index in &missing {
            if points[index].is_none() {
                points[index] = decode(keys[index]);
            }
        }
        if self.generation > 0 {
            let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
            for index in missing {
                let Some(point) = points[index] else { continue };
                if maps.young.len() >= self.generation {
                    maps.old = std::mem::take(&mut maps.young);
                }
                maps.young.insert(*keys[index], point);
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::Scalar;

    #[test]
    fn small_order_and_non_canonical_encodings_are_refused() {
        for point in EIGHT_TORSION {
            let mut bytes = *point.compress().as_bytes();
            assert!(decode(&bytes).is_none());
            bytes[31] ^= 0x80;
            assert!(decode(&bytes).is_none());
        }
        for low in 0xed..=0xff {
            for sign in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                (bytes[0], bytes[31]) = (low, sign);
                assert!(decode(&bytes).is_none(), "{low:x} {sign:x}");
            }
        }
        // The largest canonical y that is no point of small order and is on the curve decodes.
        let largest = (0u8..=0xeb).rev().find_map(|low| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, 0x7f);
            decode(&bytes).map(|point| (bytes, *point.compress().as_bytes()))
        });
        let (bytes, again) = largest.unwrap();
        assert_eq!(bytes, again);
    }

    #[test]
    fn the_cache_is_bounded_and_answers_as_if_it_were_not_there() {
        let keys: Vec<[u8; 32]> =
            (1..100u64).map(|i| *EdwardsPoint::mul_base(&Scalar::from(i)).compress().as_bytes()).collect();
        for size in [0, 1, 2, 7, 50, 200] {
            let cache = KeyCache::new(size);
            for step in [1usize, 3, 7] {
                let order: Vec<&[u8; 32]> = keys.iter().cycle().step_by(step).take(150).collect();
                for (key, point) in order.iter().zip(cache.decode_all(&order)) {
                    assert_eq!(point, decode(key));
                }
                let maps = cache.maps.read().unwrap();
                assert!(maps.young.len() + maps.old.len() <= size + 1);
            }
            assert_eq!(cache.decode_all(&[&[0; 32]]), [None]);
        }
    }
}
