//! The cache of decoded keys.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use curve25519_dalek::edwards::EdwardsPoint;
use qenex_core::crypto::edwards25519::decode;

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
