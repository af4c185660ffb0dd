//! How far a one-way client has got in each of its channels, as one text that it brings back when it was cut off: an `EventSource` sends
//! the last event's id by itself. Each position is `epoch:offset`; with several channels they stand in the order of their names, divided
//! by commas, and what has no position is left empty.

use pulsecast_protocol::Position;
use std::collections::BTreeMap;

/// Where a client is in each channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    at: BTreeMap<String, Option<Position>>,
    left: bool,
}

impl Marks {
    /// In these channels, nowhere yet.
    pub(super) fn new(channels: impl IntoIterator<Item = String>) -> Self {
        Self {
            at: channels.into_iter().map(|channel| (channel, None)).collect(),
            left: false,
        }
    }

    /// It starts from here.
    pub(super) fn begin(&mut self, channel: &str, position: Position) {
        if let Some(mark) = self.at.get_mut(channel) {
            *mark = (!position.epoch.is_empty()).then_some(position);
        }
    }

    /// It has been sent this one.
    pub(super) fn note(&mut self, channel: &str, offset: u64) {
        if let (Some(Some(mark)), true) = (self.at.get_mut(channel), offset > 0) {
            mark.offset = offset;
        }
    }

    /// It does not receive this one any more.
    pub(super) fn end(&mut self, channel: &str) {
        self.left |= self.at.contains_key(channel);
    }

    /// Whether it has lost a channel. Who cannot subscribe again has to connect again.
    pub(super) fn has_lost_one(&self) -> bool {
        self.left
    }

    /// What it brings back; `None` where no channel has positions.
    pub(super) fn id(&self) -> Option<String> {
        let text = |mark: &Option<Position>| mark.as_ref().map(ToString::to_string).unwrap_or_default();
        let any = self.at.values().any(Option::is_some);
        any.then(|| self.at.values().map(text).collect::<Vec<_>>().join(","))
    }

    /// The positions that a client has brought back, by channel. What cannot be read is a position of no stream: it cannot be recovered
    /// from, and the client is told so.
    pub(super) fn read(&self, id: &str) -> BTreeMap<String, Position> {
        let known = self.at.keys().cloned().zip(id.split(','));
        known
            .filter(|(_, text)| !text.is_empty())
            .map(|(channel, text)| (channel, read(text)))
            .collect()
    }
}

/// The position that a client has brought back; one of no stream where it cannot be read, so that the client is told.
pub(super) fn read(text: &str) -> Position {
    text.parse().unwrap_or_else(|_| Position {
        epoch: "-".to_owned(),
        offset: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_brings_back_says_where_it_was_in_each_channel() {
        let mut marks = Marks::new([
            "room:a.com:x".to_owned(),
            "feed:a.com".to_owned(),
            "online:a.com".to_owned(),
        ]);
        assert_eq!(marks.id(), None);
        marks.begin("feed:a.com", "f:3".parse().unwrap());
        marks.begin("room:a.com:x", "r:9".parse().unwrap());
        marks.begin("online:a.com", Position::default());
        marks.note("feed:a.com", 4);
        marks.note("online:a.com", 1);
        assert_eq!(marks.id().unwrap(), "f:4,,r:9");
        let read = marks.read("f:4,,r:9");
        assert_eq!(read.len(), 2);
        assert_eq!(read["room:a.com:x"].to_string(), "r:9");
        assert_eq!(marks.read("nonsense")["feed:a.com"].epoch, "-");
        assert!(marks.read("").is_empty());
    }
}
