//! Objects of one kind by id, in the order of their creation.

use std::collections::{BTreeMap, HashMap};

use super::{
    page::SortKey,
    rejection::{Rejection, Result},
};

#[derive(Debug)]
pub(super) struct Collection<T> {
    /// What an object is called in errors.
    noun: &'static str,
    items: BTreeMap<u64, T>,
    serials: HashMap<String, u64>,
    next_serial: u64,
}

impl<T> Collection<T> {
    pub(super) fn new(noun: &'static str) -> Self {
        Self { noun, items: BTreeMap::new(), serials: HashMap::new(), next_serial: 1 }
    }

    /// Adds an object; its id must be new.
    pub(super) fn insert(&mut self, id: String, item: T) {
        self.serials.insert(id, self.next_serial);
        self.items.insert(self.next_serial, item);
        self.next_serial += 1;
    }

    pub(super) fn get(&self, id: &str) -> Result<&T> {
        let serial = self.serials.get(id);
        let item = serial.and_then(|serial| self.items.get(serial));
        item.ok_or_else(|| self.missing(id))
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Result<&mut T> {
        let missing = self.missing(id);
        let serial = self.serials.get(id);
        serial.and_then(|serial| self.items.get_mut(serial)).ok_or(missing)
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<T> {
        let serial = self.serials.remove(id);
        let item = serial.and_then(|serial| self.items.remove(&serial));
        item.ok_or_else(|| self.missing(id))
    }

    /// All objects, the oldest first, with what they are sorted by.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SortKey, &T)> {
        self.items.iter().map(|(serial, item)| ((0, *serial), item))
    }

    fn missing(&self, id: &str) -> Rejection {
        Rejection::not_found(format!("There is no {} {id:?}.", self.noun))
    }
}
