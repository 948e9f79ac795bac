//! Items of one size side by side, found by a 32-bit index; freed places are used again.

use std::ops::{Index, IndexMut};

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
        if count == self.items.capacity() {
            // Growth by an eighth keeps the unused part small; doubling would not.
            self.items.reserve_exact(count / 8 + 1024);
        }
        self.items.push(item);
        // The bit above marks leaves (`node::Handle`).
        assert!(count < 1 << 31, "a tree has at most 2^31 nodes of a kind");
        count as u32
    }

    /// Frees the place; its index must not be used again until [`insert`](Self::insert) returns it.
    pub fn remove(&mut self, index: u32) {
        self.free.push(index);
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
