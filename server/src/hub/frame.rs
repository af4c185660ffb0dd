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
    /// Who published it, as one JSON object, where a client did; else empty. A view into `frame`.
    pub info: Bytes,
}

/// Between the name that readers know a channel by and what tells it apart from others of that name. Not in any name on the wire.
const VARIANT: char = '\u{1f}';
/// Between a publication's data and who published it.
const INFO: &[u8] = br#","info":"#;

/// The channel of this number among those that readers know as `name`: each has its own readers, and its pushes carry `name` alone.
#[must_use]
pub fn variant(name: &str, number: u64) -> String {
    format!("{name}{VARIANT}{number:x}")
}

/// `{"push":{"channel":"…",`: the same for all that is pushed in a channel.
fn address(channel: &str) -> String {
    let name = serde_json::Value::from(channel.split(VARIANT).next().unwrap_or_default());
    format!(r#"{{"push":{{"channel":{name},"#)
}

/// `{"push":{"channel":"…","pub":{"data":`: the same for all publications of a channel.
pub(super) fn prefix(channel: &str) -> Bytes {
    Bytes::from(address(channel) + r#""pub":{"data":"#)
}

/// Encodes one publication. A payload may hold line breaks between its tokens; they become spaces, for a line is a frame.
pub(super) fn encode(prefix: &[u8], payload: &[u8], info: &[u8], offset: u64) -> Published {
    let mut frame = BytesMut::with_capacity(prefix.len() + payload.len() + INFO.len() + info.len() + 36);
    frame.put_slice(prefix);
    frame.put_slice(payload);
    let data = prefix.len()..frame.len();
    if !info.is_empty() {
        frame.put_slice(INFO);
        frame.put_slice(info);
    }
    let info = frame.len() - info.len()..frame.len();
    blank_breaks(&mut frame[prefix.len()..]);
    if offset > 0 {
        frame.put_slice(format!(r#","offset":{offset}"#).as_bytes());
    }
    frame.put_slice(b"}}}");
    let frame = frame.freeze();
    Published {
        offset,
        data: frame.slice(data),
        info: frame.slice(info),
        frame,
    }
}

/// Tells that somebody came, or left: `what` is `join` or `leave`.
pub(super) fn coming(channel: &str, what: &str, info: &[u8]) -> Bytes {
    let mut frame = address(channel).into_bytes();
    frame.extend_from_slice(format!(r#""{what}":{{"info":"#).as_bytes());
    frame.extend_from_slice(info);
    frame.extend_from_slice(b"}}}");
    frame.into()
}

/// Tells a reader that it receives the channel no more, and why.
pub(super) fn over(channel: &str, code: u32, reason: &str) -> Bytes {
    let reason = serde_json::Value::from(reason);
    Bytes::from(address(channel) + &format!(r#""unsubscribe":{{"code":{code},"reason":{reason}}}}}}}"#))
}

fn blank_breaks(json: &mut [u8]) {
    for byte in json {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::wire::Reply;

    #[test]
    fn a_frame_is_what_the_protocol_says_a_push_is() {
        let published = encode(&prefix("room:a.com:\"x\""), b"{\"n\":\n1}", b"", 7);
        let text = std::str::from_utf8(&published.frame).unwrap();
        assert!(!text.contains('\n'));
        let push = serde_json::from_str::<Reply>(text).unwrap().push.unwrap();
        assert_eq!(push.channel, "room:a.com:\"x\"");
        let publication = push.publication.unwrap();
        assert_eq!((publication.offset, publication.data.get()), (7, "{\"n\": 1}"));
        assert_eq!(
            (&published.data[..], published.info.len()),
            (&b"{\"n\": 1}"[..], 0)
        );
    }

    #[test]
    fn who_published_travels_with_it() {
        let info = br#"{"user":"ann","client":"c1"}"#;
        let published = encode(&prefix("room:a.com:x"), b"1", info, 2);
        let push = serde_json::from_slice::<Reply>(&published.frame)
            .unwrap()
            .push
            .unwrap();
        assert_eq!(push.publication.unwrap().info.unwrap().user, "ann");
        assert_eq!((&published.data[..], &published.info[..]), (&b"1"[..], &info[..]));
    }

    #[test]
    fn comings_and_ends_are_pushes_too() {
        let push = |frame: Bytes| serde_json::from_slice::<Reply>(&frame).unwrap().push.unwrap();
        let joined = push(coming("room:a.com:x", "join", br#"{"user":"ann","client":"c1"}"#));
        assert_eq!(joined.join.unwrap().info.client, "c1");
        let left = push(coming(
            "room:a.com:x",
            "leave",
            br#"{"user":"ann","client":"c1"}"#,
        ));
        assert_eq!(left.leave.unwrap().info.user, "ann");
        let ended = push(over("room:a.com:x", 2500, "insufficient state"));
        assert_eq!(ended.unsubscribe.unwrap().code, 2500);
    }

    #[test]
    fn variants_of_a_channel_have_one_name_for_their_readers() {
        assert_ne!(variant("a:b", 1), variant("a:b", 2));
        assert_eq!(prefix(&variant("a:b", 1)), prefix("a:b"));
    }

    #[test]
    fn without_a_past_there_is_no_offset() {
        let published = encode(&prefix("online:a.com"), b"1", b"", 0);
        assert_eq!(
            &published.frame[..],
            br#"{"push":{"channel":"online:a.com","pub":{"data":1}}}"#
        );
    }
}
