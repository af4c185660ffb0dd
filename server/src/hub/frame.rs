//! A publication as it travels: encoded once, then shared by reference however many receive it.

use bytes::{BufMut, Bytes, BytesMut};

/// A publication of one channel.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its place in the channel's stream; 0 where the channel keeps no past.
    pub offset: u64,
    /// The whole push, one line of JSON: what goes to readers.
    pub frame: Bytes,
    /// The payload alone: what goes into a list of recovered publications. A view into `frame`.
    pub data: Bytes,
}

/// Between the name that readers know a channel by and what tells it apart from others of that name. Not in any name on the wire.
const VARIANT: char = '\u{1f}';

/// The channel of this number among those that readers know as `name`: each has its own readers, and its pushes carry `name` alone.
#[must_use]
pub fn variant(name: &str, number: u64) -> String {
    format!("{name}{VARIANT}{number:x}")
}

/// `{"push":{"channel":"…","pub":{"data":`: the same for all publications of a channel.
pub(super) fn prefix(channel: &str) -> Bytes {
    let name = serde_json::Value::from(channel.split(VARIANT).next().unwrap_or_default());
    Bytes::from(format!(r#"{{"push":{{"channel":{name},"pub":{{"data":"#))
}

/// Encodes one publication. A payload may hold line breaks between its tokens; they become spaces, for a line is a frame.
pub(super) fn encode(prefix: &[u8], payload: &[u8], offset: u64) -> Published {
    let mut frame = BytesMut::with_capacity(prefix.len() + payload.len() + 36);
    frame.put_slice(prefix);
    frame.put_slice(payload);
    for byte in &mut frame[prefix.len()..] {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    if offset > 0 {
        frame.put_slice(format!(r#","offset":{offset}"#).as_bytes());
    }
    frame.put_slice(b"}}}");
    let frame = frame.freeze();
    let data = frame.slice(prefix.len()..prefix.len() + payload.len());
    Published { offset, frame, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::wire::Reply;

    #[test]
    fn a_frame_is_what_the_protocol_says_a_push_is() {
        let published = encode(&prefix("room:a.com:\"x\""), b"{\"n\":\n1}", 7);
        let text = std::str::from_utf8(&published.frame).unwrap();
        assert!(!text.contains('\n'));
        let push = serde_json::from_str::<Reply>(text).unwrap().push.unwrap();
        assert_eq!(push.channel, "room:a.com:\"x\"");
        let publication = push.publication.unwrap();
        assert_eq!((publication.offset, publication.data.get()), (7, "{\"n\": 1}"));
        assert_eq!(&published.data[..], b"{\"n\": 1}");
    }

    #[test]
    fn variants_of_a_channel_have_one_name_for_their_readers() {
        assert_ne!(variant("a:b", 1), variant("a:b", 2));
        assert_eq!(prefix(&variant("a:b", 1)), prefix("a:b"));
    }

    #[test]
    fn without_a_past_there_is_no_offset() {
        let published = encode(&prefix("online:a.com"), b"1", 0);
        assert_eq!(
            &published.frame[..],
            br#"{"push":{"channel":"online:a.com","pub":{"data":1}}}"#
        );
    }
}
