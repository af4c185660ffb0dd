//! What a dashboard says and hears, of all that [`pulsecast_protocol::wire`] can: reading and writing the rest would be a large part of the
//! browser's program. The tests hold each of these against the protocol's own types.

use pulsecast_protocol::wire::{ChannelRequest, Ended, ErrorReply, Raw};
use serde::{Deserialize, Serialize};

/// Of [`pulsecast_protocol::wire::Command`].
#[derive(Debug, Default, Serialize)]
pub(super) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connect: Option<Hello>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subscribe: Option<Ask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unsubscribe: Option<ChannelRequest>,
}

/// Of [`pulsecast_protocol::wire::ConnectRequest`].
#[derive(Debug, Serialize)]
pub(super) struct Hello {
    pub(super) name: &'static str,
    /// Where no cookie says who speaks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) token: String,
}

/// Of [`pulsecast_protocol::wire::SubscribeRequest`].
#[derive(Debug, Serialize)]
pub(super) struct Ask {
    pub(super) channel: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) recover: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) epoch: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Raw>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "likewise")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Of [`pulsecast_protocol::wire::Reply`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Heard {
    pub(super) id: u32,
    pub(super) error: Option<ErrorReply>,
    pub(super) push: Option<Pushed>,
    pub(super) connect: Option<Opened>,
    pub(super) subscribe: Option<Joined>,
}

/// Of [`pulsecast_protocol::wire::ConnectResult`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Opened {
    pub(super) ping: u32,
}

/// Of [`pulsecast_protocol::wire::SubscribeResult`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Joined {
    pub(super) epoch: String,
    pub(super) offset: u64,
    pub(super) publications: Vec<Published>,
    pub(super) recovered: bool,
    pub(super) data: Option<Raw>,
}

/// Of [`pulsecast_protocol::wire::Publication`].
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    pub(super) data: Raw,
    #[serde(default)]
    pub(super) offset: u64,
}

/// Of [`pulsecast_protocol::wire::Push`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pushed {
    pub(super) channel: String,
    #[serde(rename = "pub")]
    pub(super) publication: Option<Published>,
    pub(super) unsubscribe: Option<Ended>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsecast_protocol::wire::{self, Command, Reply};

    fn raw(text: &str) -> Raw {
        serde_json::from_str(text).unwrap()
    }

    fn heard(reply: &Reply) -> Heard {
        serde_json::from_str(&serde_json::to_string(reply).unwrap()).unwrap()
    }

    #[test]
    fn what_a_dashboard_says_is_what_the_protocol_reads() {
        let said = Said {
            id: Some(3),
            connect: Some(Hello {
                name: "dashboard",
                token: "t".into(),
            }),
            subscribe: Some(Ask {
                channel: "live:a.com".into(),
                recover: true,
                epoch: "e".into(),
                offset: 7,
                data: Some(raw("[1]")),
            }),
            unsubscribe: None,
        };
        let read: Command = serde_json::from_str(&serde_json::to_string(&said).unwrap()).unwrap();
        let (connect, subscribe) = (read.connect.unwrap(), read.subscribe.unwrap());
        assert_eq!((read.id, &*connect.name, &*connect.token), (3, "dashboard", "t"));
        assert_eq!((&*subscribe.channel, subscribe.recover), ("live:a.com", true));
        assert_eq!((&*subscribe.epoch, subscribe.offset), ("e", 7));
        assert_eq!(subscribe.data.unwrap().get(), "[1]");
    }

    #[test]
    fn what_the_protocol_answers_is_what_a_dashboard_hears() {
        let publication = wire::Publication {
            data: raw("{\"n\":1}"),
            offset: 9,
            info: Some(wire::ClientInfo::default()),
        };
        let reply = Reply {
            id: 4,
            connect: Some(wire::ConnectResult {
                ping: 25,
                ..wire::ConnectResult::default()
            }),
            subscribe: Some(wire::SubscribeResult {
                epoch: "e".into(),
                offset: 9,
                recovered: true,
                publications: vec![publication.clone()],
                data: Some(raw("2")),
                ..wire::SubscribeResult::default()
            }),
            ..Reply::default()
        };
        let answer = heard(&reply);
        let joined = answer.subscribe.unwrap();
        assert_eq!((answer.id, answer.connect.unwrap().ping), (4, 25));
        assert_eq!((&*joined.epoch, joined.offset, joined.recovered), ("e", 9, true));
        assert_eq!(joined.publications[0].data.get(), "{\"n\":1}");
        assert_eq!(joined.data.unwrap().get(), "2");

        let push = wire::Push {
            channel: "live:a.com".into(),
            publication: Some(publication),
            unsubscribe: Some(Ended {
                code: 2000,
                reason: "why".into(),
            }),
            ..wire::Push::default()
        };
        let pushed = heard(&Reply {
            push: Some(push),
            ..Reply::default()
        })
        .push
        .unwrap();
        assert_eq!(
            (&*pushed.channel, pushed.publication.unwrap().offset),
            ("live:a.com", 9)
        );
        assert_eq!(pushed.unsubscribe.unwrap().code, 2000);
    }
}
