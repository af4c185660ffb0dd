//! When to look again at things that were last seen in some minute. Each thing is filed once, under a minute no later than it was last
//! seen in; whether it was seen since is looked up when its turn comes, so that seeing something again costs nothing here.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Wheel<T>(BTreeMap<i64, Vec<T>>);

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Wheel<T> {
    /// Looks at it again once `minute` is over.
    pub(super) fn file(&mut self, minute: i64, thing: T) {
        self.0.entry(minute).or_default().push(thing);
    }

    /// Something filed under a minute before this one.
    pub(super) fn due(&mut self, before: i64) -> Option<T> {
        loop {
            let mut oldest = self.0.first_entry()?;
            if *oldest.key() >= before {
                return None;
            }
            match oldest.get_mut().pop() {
                Some(thing) => return Some(thing),
                None => drop(oldest.remove()),
            }
        }
    }

    /// Something of the oldest minute that has anything, and that minute.
    pub(super) fn oldest(&mut self) -> Option<(i64, T)> {
        loop {
            let mut oldest = self.0.first_entry()?;
            let minute = *oldest.key();
            match oldest.get_mut().pop() {
                Some(thing) => return Some((minute, thing)),
                None => drop(oldest.remove()),
            }
        }
    }
}
