//! What frames look like on a streamed response: lines, or events of an `EventSource`, with or without the protocol's envelope. Pure.

use super::marks::Marks;
use crate::hub::Disconnect;
use bytes::{BufMut, Bytes, BytesMut};
use pulsecast_protocol::wire::{Ended, Push, Reply};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The server's ping, as it lies in the outbox.
const PING: &[u8] = b"{}";
/// Ahead of the first event: so much has to have come before some proxies and virus scanners pass anything on.
const PADDING: usize = 2048;

/// How a skin writes what waits for its client.
#[derive(Debug)]
pub(super) enum Dress {
    /// The protocol's lines.
    Lines,
    /// The protocol's lines, each an event.
    Events,
    /// Pushes without their envelope, each an event: for clients that cannot answer.
    OneWay(Marks),
    /// The payloads alone, each an event: for clients that know no protocol.
    Payloads(Marks),
}

impl Dress {
    /// The transport's name for metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Lines => "http_stream",
            Self::Events => "sse",
            Self::OneWay(_) => "uni_sse",
            Self::Payloads(_) => "feed_events",
        }
    }

    /// Whether its clients cannot answer pings.
    pub(super) fn is_one_way(&self) -> bool {
        matches!(self, Self::OneWay(_) | Self::Payloads(_))
    }

    /// Whether its client has lost a channel and cannot ask for it again: it has to come again.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::OneWay(marks) | Self::Payloads(marks) if marks.has_lost_one())
    }

    /// What goes ahead of everything, `retry` being the milliseconds after which an `EventSource` that was cut off comes back.
    pub(super) fn opening(&self, retry: u32) -> Bytes {
        match self {
            Self::Lines => Bytes::new(),
            Self::Events => format!(":{}\n\n", " ".repeat(PADDING)).into(),
            Self::OneWay(_) | Self::Payloads(_) => {
                format!(":{}\nretry: {retry}\n\n", " ".repeat(PADDING)).into()
            }
        }
    }

    /// Frames as they go out, in one piece.
    pub(super) fn pack(&mut self, frames: &[Bytes]) -> Bytes {
        let room = frames.iter().map(|frame| frame.len() + 48).sum();
        let mut packed = BytesMut::with_capacity(room);
        for frame in frames {
            match self {
                Self::Lines => {
                    packed.put_slice(frame);
                    packed.put_u8(b'\n');
                }
                Self::Events => event(&mut packed, None, frame),
                Self::OneWay(marks) => one_way(&mut packed, marks, frame),
                Self::Payloads(marks) => payload(&mut packed, marks, frame),
            }
        }
        packed.freeze()
    }

    /// The last words: there are no close codes here, so they are a push.
    pub(super) fn farewell(&self, why: Disconnect) -> Bytes {
        let push = Push {
            disconnect: Some(Ended {
                code: code(why).into(),
                reason: why.reason().to_owned(),
            }),
            ..Push::default()
        };
        let text = match self {
            Self::Lines | Self::Events => written(&Reply {
                push: Some(push),
                ..Reply::default()
            }),
            Self::OneWay(_) => written(&push),
            // It will come back by itself, with its position.
            Self::Payloads(_) => return Bytes::from_static(b":\n\n"),
        };
        match self {
            Self::Lines => format!("{text}\n").into(),
            _ => format!("data: {text}\n\n").into(),
        }
    }
}

/// Our own messages can always be written.
pub(super) fn written(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// WebSocket's own codes mean nothing elsewhere: to a client of the protocol both are what should not be sent again.
fn code(why: Disconnect) -> u16 {
    match why {
        Disconnect::TooLarge | Disconnect::NotText => Disconnect::BadRequest.code(),
        why => why.code(),
    }
}

/// Writes one event; `data` holds no line breaks, for a frame is a line.
pub(super) fn event(to: &mut BytesMut, id: Option<&str>, data: &[u8]) {
    if let Some(id) = id {
        to.put_slice(b"id: ");
        to.put_slice(id.as_bytes());
        to.put_u8(b'\n');
    }
    to.put_slice(b"data: ");
    to.put_slice(data);
    to.put_slice(b"\n\n");
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    push: Option<&'a RawValue>,
}

/// As much of a push as one-way clients' positions need.
#[derive(Deserialize)]
pub(super) struct Pushed<'a> {
    #[serde(borrow, default)]
    pub(super) channel: Cow<'a, str>,
    #[serde(borrow, rename = "pub")]
    pub(super) publication: Option<Payload<'a>>,
    #[serde(default)]
    pub(super) unsubscribe: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Payload<'a> {
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
    #[serde(default)]
    pub(super) offset: u64,
}

/// What is in a frame that is a push.
pub(super) fn pushed(frame: &[u8]) -> Option<(&str, Pushed<'_>)> {
    let push = serde_json::from_slice::<Frame<'_>>(frame).ok()?.push?.get();
    Some((push, serde_json::from_str(push).ok()?))
}

fn one_way(to: &mut BytesMut, marks: &mut Marks, frame: &[u8]) {
    if frame == PING {
        return event(to, None, PING);
    }
    let Some((text, push)) = pushed(frame) else { return };
    if let Some(publication) = &push.publication {
        marks.note(&push.channel, publication.offset);
    }
    event(to, marks.id().as_deref(), text.as_bytes());
    if push.unsubscribe.is_some() {
        marks.end(&push.channel);
    }
}

fn payload(to: &mut BytesMut, marks: &mut Marks, frame: &[u8]) {
    if frame == PING {
        return to.put_slice(b":\n\n");
    }
    let Some((_, push)) = pushed(frame) else { return };
    if let Some(publication) = &push.publication {
        marks.note(&push.channel, publication.offset);
        event(to, marks.id().as_deref(), publication.data.get().as_bytes());
    }
    if push.unsubscribe.is_some() {
        marks.end(&push.channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::Position;

    fn frames(lines: &[&'static str]) -> Vec<Bytes> {
        lines
            .iter()
            .map(|line| Bytes::from_static(line.as_bytes()))
            .collect()
    }

    fn marks() -> Marks {
        let mut marks = Marks::new(["feed:a.com".to_owned(), "online:a.com".to_owned()]);
        marks.begin(
            "feed:a.com",
            Position {
                epoch: "e".into(),
                offset: 4,
            },
        );
        marks
    }

    const FEED: &str = r#"{"push":{"channel":"feed:a.com","pub":{"data":{"id":1},"offset":5}}}"#;
    const COUNT: &str = r#"{"push":{"channel":"online:a.com","pub":{"data":{"online":2}}}}"#;

    #[test]
    fn lines_and_events_are_the_protocols_own() {
        let all = frames(&["{}", COUNT]);
        assert_eq!(Dress::Lines.pack(&all), format!("{{}}\n{COUNT}\n"));
        assert_eq!(
            Dress::Events.pack(&all),
            format!("data: {{}}\n\ndata: {COUNT}\n\n")
        );
    }

    #[test]
    fn one_way_events_carry_the_position_of_every_channel_to_come_back_with() {
        let mut dress = Dress::OneWay(marks());
        assert_eq!(
            dress.pack(&frames(&["{}", COUNT, FEED])),
            concat!(
                "data: {}\n\n",
                "id: e:4,\ndata: {\"channel\":\"online:a.com\",\"pub\":{\"data\":{\"online\":2}}}\n\n",
                "id: e:5,\ndata: {\"channel\":\"feed:a.com\",\"pub\":{\"data\":{\"id\":1},\"offset\":5}}\n\n",
            )
        );
    }

    #[test]
    fn who_knows_no_protocol_gets_payloads_and_never_sees_a_ping() {
        let mut marks = Marks::new(["feed:a.com".to_owned()]);
        marks.begin(
            "feed:a.com",
            Position {
                epoch: "e".into(),
                offset: 4,
            },
        );
        let mut dress = Dress::Payloads(marks);
        assert_eq!(
            dress.pack(&frames(&["{}", FEED])),
            ":\n\nid: e:5\ndata: {\"id\":1}\n\n"
        );
    }

    #[test]
    fn who_knows_no_protocol_and_has_lost_the_channel_is_to_come_again() {
        let mut dress = Dress::Payloads(Marks::new(["feed:a.com".to_owned()]));
        dress.pack(&frames(&[FEED]));
        assert!(!dress.is_over());
        let lost =
            r#"{"push":{"channel":"feed:a.com","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#;
        assert_eq!(dress.pack(&frames(&[lost])), "");
        assert!(dress.is_over());
    }

    #[test]
    fn the_last_words_say_whether_to_come_back() {
        assert_eq!(
            Dress::Lines.farewell(Disconnect::Shutdown),
            "{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"shutdown\"}}}\n"
        );
        assert_eq!(
            Dress::OneWay(marks()).farewell(Disconnect::TooLarge),
            "data: {\"disconnect\":{\"code\":3501,\"reason\":\"message size limit exceeded\"}}\n\n"
        );
    }
}
