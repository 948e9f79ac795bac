//! Nodes side by side, found by a 32-bit index; freed places are used again.

use std::ops::{Index, IndexMut};

use qenex_core::crypto::Hash;
use qenex_core::merkle::state::EMPTY;

use crate::node::Handle;

/// Items in places that are numbered.
pub struct Arena<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Arena<T> {
    pub const fn new() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }

    /// Puts the item into a free place.
    pub fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self[index] = item;
            return index;
        }
        let count = self.items.len();
        // The bit above marks leaves (`node::Handle`).
        assert!(count < 1 << 31, "a tree has at most 2^31 nodes of a kind");
        push(&mut self.items, item);
        count as u32
    }

    /// Frees the place; its index must not be used again until [`insert`](Self::insert) returns it.
    pub fn remove(&mut self, index: u32) {
        self.free.push(index);
    }

    /// The places that the next `count` items will be put into, as far as they are there.
    pub fn next_free(&self, count: usize) -> &[u32] {
        &self.free[self.free.len().saturating_sub(count)..]
    }

    /// How many items are there.
    pub fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    /// Memory in use, in bytes.
    pub fn bytes(&self) -> usize {
        self.items.capacity() * size_of::<T>() + self.free.capacity() * size_of::<u32>()
    }
}

/// Growth by an eighth keeps the unused part small; doubling would not.
fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 8 + 1024);
    }
    items.push(item);
}

impl<T> Index<u32> for Arena<T> {
    type Output = T;

    fn index(&self, index: u32) -> &T {
        &self.items[index as usize]
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    fn index_mut(&mut self, index: u32) -> &mut T {
        &mut self.items[index as usize]
    }
}

/// Inner nodes. Their hashes stand apart from their halves: the way down reads only the halves, the way up only the hashes.
pub struct Inners {
    halves: Arena<[Handle; 2]>,
    hashes: Vec<Hash>,
}

impl Inners {
    pub const fn new() -> Self {
        Self { halves: Arena::new(), hashes: Vec::new() }
    }

    /// Puts a node into a free place; its hash is not set.
    pub fn insert(&mut self, halves: [Handle; 2]) -> u32 {
        let index = self.halves.insert(halves);
        if index as usize == self.hashes.len() {
            push(&mut self.hashes, EMPTY);
        }
        index
    }

    pub fn remove(&mut self, index: u32) {
        self.halves.remove(index);
    }

    pub fn next_free(&self, count: usize) -> &[u32] {
        self.halves.next_free(count)
    }

    pub fn halves(&self, index: u32) -> [Handle; 2] {
        self.halves[index]
    }

    pub fn hash(&self, index: u32) -> &Hash {
        &self.hashes[index as usize]
    }

    pub fn set_hash(&mut self, index: u32, hash: Hash) {
        self.hashes[index as usize] = hash;
    }

    pub fn len(&self) -> usize {
        self.halves.len()
    }

    pub fn bytes(&self) -> usize {
        self.halves.bytes() + self.hashes.capacity() * size_of::<Hash>()
    }
}
