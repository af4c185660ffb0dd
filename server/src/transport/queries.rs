//! Joining a live query: what is asked, within what the asker may see, and how the answer reaches them.

use super::{
    Services,
    connection::encode,
    session::{no, no_because},
};
use crate::{
    gate::Identity,
    hub::{Outbox, Who},
    stats::{
        Scope,
        live::{Following, Reader},
        parse,
    },
};
use pulsecast_protocol::{
    Domain,
    wire::{Raw, Reply, SubscribeResult, code},
};

/// A client's wish to follow a query.
pub(super) struct Wish<'a> {
    /// Of the command.
    pub(super) id: u32,
    pub(super) channel: &'a str,
    pub(super) site: &'a Domain,
    /// The query, as it was sent.
    pub(super) data: Option<Raw>,
    pub(super) who: &'a Identity,
}

/// Lets the client follow it, or says why not. The answer comes through the outbox, as soon as there is one.
pub(super) fn follow(
    services: &Services,
    wish: &Wish<'_>,
    outbox: &Outbox,
    reader: &Who,
) -> Result<Following, Box<Reply>> {
    let id = wish.id;
    let Some((queries, sites)) = &services.queries else {
        return Err(Box::new(no(id, code::UNKNOWN_CHANNEL)));
    };
    let bad = |why: String| Box::new(no_because(id, code::BAD_REQUEST, why));
    let site = sites
        .get(wish.site)
        .ok_or_else(|| Box::new(no(id, code::UNKNOWN_CHANNEL)))?;
    let text = wish.data.as_ref().map_or("", |data| data.get());
    if text.is_empty() {
        return Err(bad(
            "data: subscribe with a stats query as data, as of POST /api/v2/query".to_owned(),
        ));
    }
    let question = parse::question_text(text.as_bytes()).map_err(|error| bad(error.to_string()))?;
    if question.query.site_id != *wish.site {
        return Err(bad(format!(
            "site_id: the channel is of {}: ask for the same site",
            wish.site
        )));
    }
    let scope = match wish.who.link {
        Some(id) => site.link(id).and_then(|link| Scope::of_link(&site, link)),
        None => Some(Scope::of(&site, wish.who.account)),
    };
    let scope = scope.ok_or_else(|| no(id, code::UNKNOWN_CHANNEL))?;
    let reader = Reader {
        channel: wish.channel.to_owned(),
        outbox: outbox.clone(),
        who: reader.clone(),
        greet: Box::new(move |answer| encode(&greeting(id, answer))),
    };
    queries
        .follow(scope, question, reader)
        .map_err(|full| Box::new(no_because(id, code::LIMIT_EXCEEDED, full.to_string())))
}

fn greeting(id: u32, answer: Result<Raw, String>) -> Reply {
    match answer {
        Ok(data) => Reply {
            id,
            subscribe: Some(SubscribeResult {
                data: Some(data),
                ..SubscribeResult::default()
            }),
            ..Reply::default()
        },
        Err(why) => no_because(id, code::BAD_REQUEST, why),
    }
}
