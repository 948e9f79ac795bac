//! Random trees against a model that looks at all blocks again each time.

use qenex_core::consensus::work::Work;
use qenex_core::crypto::Hash;
use qenex_work::branches::{Branch, Branches};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::world::{number, seed};

fn work(number: u64) -> Work {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    Work::from_bytes(bytes)
}

/// A block of the model.
#[derive(Clone, Copy)]
struct Plain {
    id: Hash,
    parent: Option<usize>,
    height: u64,
    total: u64,
}

/// All blocks that ever were, in the order of their arrival.
struct Model {
    all: Vec<Plain>,
    root: usize,
}

impl Model {
    fn path(&self, at: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(at), |at| self.all[*at].parent).collect();
        path.reverse();
        path
    }

    /// Those that stand on the root, which is one of them.
    fn alive(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|at| self.path(*at).contains(&self.root)).collect()
    }

    /// Of the heaviest the first.
    fn head(&self) -> usize {
        let heaviest = self.alive().into_iter().map(|at| self.all[at].total).max().unwrap();
        self.alive().into_iter().find(|at| self.all[*at].total == heaviest).unwrap()
    }
}

#[test]
fn the_heaviest_branch_is_that_of_the_model() {
    let seed = seed();
    let (mut switches, mut dropped) = (0, 0);
    for case in 0..number("QENEX_CASES", 60) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ case);
        let depth = rng.random_range(1..8);
        let first = Plain { id: Hash(rng.random()), parent: None, height: 7, total: 0 };
        let mut model = Model { all: vec![first], root: 0 };
        let root = Branch { parent: Hash::default(), height: 7, work: Work::ZERO, entry: 0 };
        let mut branches = Branches::new(first.id, root);
        for step in 0..80 {
            let alive = model.alive();
            // Mostly near the newest, so that branches grow long.
            let most = rng.random_range(0..alive.len()).min(6);
            let back = rng.random_range(0..=most);
            let parent = alive[alive.len() - 1 - back];
            let Plain { id, height, total, .. } = model.all[parent];
            let more = rng.random_range(1..4);
            let new = Plain {
                id: Hash(rng.random()),
                parent: Some(parent),
                height: height + 1,
                total: total + more,
            };
            let before = model.head();
            model.all.push(new);
            assert!(branches.insert(new.id, id, work(more), model.all.len() as u64 - 1));
            assert!(!branches.insert(new.id, id, work(more), 0));
            let head = model.head();
            let context = format!("QENEX_SEED={seed} case {case} step {step}");
            assert_eq!(
                (branches.head(), branches.work()),
                (model.all[head].id, work(model.all[head].total)),
                "{context}"
            );

            let (old, now) = (model.path(before), model.path(head));
            let only = |of: &[usize], other: &[usize]| -> Vec<Hash> {
                of.iter().filter(|at| !other.contains(at)).map(|at| model.all[*at].id).collect()
            };
            let expected = (only(&old, &now), only(&now, &old));
            switches += usize::from(!expected.0.is_empty());
            assert_eq!(branches.switch(model.all[before].id, model.all[head].id), expected, "{context}");

            let newest = model.all[head].height;
            let due: Vec<usize> = now
                .iter()
                .copied()
                .filter(|at| model.all[*at].height > model.all[model.root].height)
                .filter(|at| model.all[*at].height + depth <= newest)
                .collect();
            let ids: Vec<Hash> = due.iter().map(|at| model.all[*at].id).collect();
            assert_eq!(branches.due(depth), ids, "{context}");
            for at in due {
                branches.settle(model.all[at].id);
                model.root = at;
            }
            let alive = model.alive();
            dropped += usize::from(alive.len() < 4);
            assert_eq!(branches.len() + 1, alive.len(), "{context}");
            assert!(alive.iter().all(|at| branches.get(model.all[*at].id).is_some()), "{context}");
            assert_eq!(branches.first_entry(), alive.iter().map(|at| *at as u64).min().unwrap(), "{context}");
        }
        let stranger = Hash(rng.random());
        assert!(!branches.insert(stranger, Hash(rng.random()), work(1_000), 0));
    }
    assert!(switches > 50 && dropped > 50, "{switches} {dropped}");
}

#[test]
fn what_is_too_much_is_what_is_lightest() {
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let root = Branch { parent: Hash::default(), height: 0, work: Work::ZERO, entry: 0 };
    let mut branches = Branches::new(Hash([1; 32]), root);
    let mut tip = Hash([1; 32]);
    let mut all = Vec::new();
    for entry in 0..300 {
        // One long branch, and one block beside each of its own.
        let (next, rival) = (Hash(rng.random()), Hash(rng.random()));
        assert!(
            branches.insert(next, tip, work(2), 2 * entry)
                && branches.insert(rival, tip, work(1), 2 * entry + 1)
        );
        tip = next;
        all.push((next, rival));
    }
    let gone = branches.shrink(400);
    // The rivals, from the first one on.
    assert!(gone.iter().eq(all.iter().take(200).map(|(_, rival)| rival)));
    assert_eq!((branches.len(), branches.head()), (400, tip));
    // The heaviest branch stays, whatever is asked.
    assert_eq!(branches.shrink(10).len(), 100);
    assert_eq!(branches.down(tip).count(), 300);
}
