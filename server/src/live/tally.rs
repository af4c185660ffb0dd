//! Distinct visitors by path, source, country, device and browser. A fact is "this visitor, by this key, last in that minute"; there is one
//! however many events say so, so memory follows visitors, not traffic.

use super::wheel::Wheel;
use crate::event::VisitorId;
use pulsecast_protocol::live::Tile;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

type Fact = (u32, VisitorId);

#[derive(Debug)]
struct Key {
    tile: usize,
    text: Arc<str>,
    visitors: u32,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    ids: [HashMap<Arc<str>, u32>; Tile::ALL.len()],
    keys: Vec<Key>,
    unused: Vec<u32>,
    text: usize,
    last: HashMap<Fact, i64>,
    wheel: Wheel<Fact>,
    changed: [bool; Tile::ALL.len()],
}

impl Tally {
    /// This visitor was seen by this key.
    pub(super) fn see(&mut self, tile: Tile, text: &str, visitor: VisitorId, minute: i64) {
        let key = self.key(tile as usize, text);
        match self.last.entry((key, visitor)) {
            Entry::Occupied(mut last) => *last.get_mut() = minute.max(*last.get()),
            Entry::Vacant(new) => {
                new.insert(minute);
                self.wheel.file(minute, (key, visitor));
                let key = &mut self.keys[key as usize];
                key.visitors += 1;
                self.changed[key.tile] = true;
            }
        }
    }

    /// Lets go of what was last seen before this minute.
    pub(super) fn expire(&mut self, before: i64) {
        while let Some(fact) = self.wheel.due(before) {
            match self.last.get(&fact) {
                Some(&last) if last >= before => self.wheel.file(last, fact),
                _ => self.forget(fact),
            }
        }
    }

    /// Lets go of the oldest until both bounds hold. Says how many had to go.
    pub(super) fn shrink(&mut self, facts: usize, text: usize) -> u64 {
        let mut gone = 0;
        while self.last.len() > facts || self.text > text {
            let Some((filed, fact)) = self.wheel.oldest() else {
                break;
            };
            match self.last.get(&fact) {
                Some(&last) if last > filed => self.wheel.file(last, fact),
                _ => {
                    self.forget(fact);
                    gone += 1;
                }
            }
        }
        gone
    }

    /// Whether the tile changed since this was last asked.
    pub(super) fn take_changed(&mut self, tile: Tile) -> bool {
        std::mem::take(&mut self.changed[tile as usize])
    }

    /// The keys with most visitors, most first, then by name.
    pub(super) fn top(&self, tile: Tile, most: usize) -> Vec<(&str, u32)> {
        let of_tile = |key: &&Key| key.visitors > 0 && key.tile == tile as usize;
        let mut rows: Vec<_> = self
            .keys
            .iter()
            .filter(of_tile)
            .map(|key| (&*key.text, key.visitors))
            .collect();
        let order = |a: &(&str, u32), b: &(&str, u32)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
        if rows.len() > most {
            rows.select_nth_unstable_by(most, order);
            rows.truncate(most);
        }
        rows.sort_unstable_by(order);
        rows
    }

    fn key(&mut self, tile: usize, text: &str) -> u32 {
        if let Some(&id) = self.ids[tile].get(text) {
            return id;
        }
        let text: Arc<str> = text.into();
        self.text += text.len();
        let key = Key {
            tile,
            text: text.clone(),
            visitors: 0,
        };
        let id = match self.unused.pop() {
            Some(id) => {
                self.keys[id as usize] = key;
                id
            }
            None => {
                self.keys.push(key);
                u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.ids[tile].insert(text, id);
        id
    }

    fn forget(&mut self, fact: Fact) {
        self.last.remove(&fact);
        let key = &mut self.keys[fact.0 as usize];
        self.changed[key.tile] = true;
        key.visitors -= 1;
        if key.visitors == 0 {
            let text = std::mem::replace(&mut key.text, "".into());
            self.text -= text.len();
            self.ids[key.tile].remove(&text);
            self.unused.push(fact.0);
        }
    }
}
