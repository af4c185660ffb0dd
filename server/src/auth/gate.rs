//! Answers the transports' questions: who may open a socket, whose token is this, who may read which channel.

use super::{OwnOrigin, Tokens, Visitors, link::Purpose};
use crate::{
    gate::{Entrance, Gate, Identity, Introduction, Refused, Right, TokenError},
    sites::{DEMO, Site, Sites},
};
use futures::future::BoxFuture;
use pulsecast_protocol::{Channel, Domain, Origin, Timestamp, visitor::RoomPresence};

/// The gate as accounts and sites have it.
#[derive(Clone, Debug)]
pub struct MemberGate {
    sites: Sites,
    own: OwnOrigin,
    tokens: Tokens,
    /// Without it sites vouch for nobody.
    visitors: Option<Visitors>,
}

impl MemberGate {
    /// Over these sites, with this own origin, for tokens of this key.
    #[must_use]
    pub fn new(sites: Sites, own: OwnOrigin, tokens: Tokens) -> Self {
        Self {
            sites,
            own,
            tokens,
            visitors: None,
        }
    }

    /// The same with visitors whom their sites vouch for.
    #[must_use]
    pub fn with_visitors(mut self, visitors: Visitors) -> Self {
        self.visitors = Some(visitors);
        self
    }

    /// Whether a visitor's site lets them do this in this room of its own, from a page of its own or from a program.
    fn may_in_room(&self, who: &Identity, right: Right, site: &Site, room: &str) -> bool {
        let Some(visitor) = &who.visitor else {
            return false;
        };
        let holds = |visitors: &Visitors| visitors.holds(site.id, visitor);
        let from_there = who.origin.as_ref().is_none_or(|origin| {
            site.settings.accepts_origin(origin) || (who.own_origin && site.settings.domain.as_str() == DEMO)
        });
        let is_told = right != Right::Presence || site.visitors.settings.presence == RoomPresence::Shown;
        visitor.site == site.settings.domain
            && visitor.may(right, room)
            && is_told
            && from_there
            && self.visitors.as_ref().is_none_or(holds)
    }
}

impl Gate for MemberGate {
    fn open(&self, origin: Option<&Origin>, host: Option<&str>) -> Result<Entrance, Refused> {
        let Some(origin) = origin else {
            return Ok(Entrance { own_origin: false });
        };
        let own_origin = self.own.is_own(origin, host);
        if own_origin || self.sites.any_accepts(origin) {
            Ok(Entrance { own_origin })
        } else {
            Err(Refused::NotAllowed)
        }
    }

    fn identify_token(&self, token: &str, now: Timestamp) -> Result<Identity, TokenError> {
        // What names one of our sites is that site's; members' tokens name none.
        let of_visitor = |visitors: &Visitors| visitors.identify(token, now);
        if let Some(identified) = self.visitors.as_ref().and_then(of_visitor) {
            return identified;
        }
        // A token for another purpose is "invalid"; only one that was good for its own can be "expired".
        match self.tokens.read(token, now) {
            Ok((account, expires)) => Ok(Identity {
                account: Some(account),
                user: account.0.to_string(),
                expires: Some(expires),
                ..Identity::default()
            }),
            Err(TokenError::Expired) => Err(TokenError::Expired),
            Err(TokenError::Invalid | TokenError::Away) => {
                let (link, expires) = self.tokens.read_link(Purpose::Live, token, now)?;
                Ok(Identity {
                    link: Some(link),
                    user: format!("link {}", link.0),
                    expires: Some(expires),
                    ..Identity::default()
                })
            }
        }
    }

    fn prepare(&self, token: &str) -> Option<BoxFuture<'static, ()>> {
        self.visitors.as_ref()?.prepare(token)
    }

    fn may_introduce(&self, who: &Identity) -> bool {
        let may = |visitors: &Visitors| visitors.may_introduce(who);
        self.visitors.as_ref().is_some_and(may)
    }

    fn introduce(&self, who: &Identity, site: &Domain, now: Timestamp) -> Option<Introduction> {
        self.visitors.as_ref()?.introduce(who, site, now)
    }

    fn may(&self, who: &Identity, right: Right, channel: &Channel) -> Result<(), Refused> {
        let site = self.sites.get(channel.site()).ok_or(Refused::UnknownChannel)?;
        let is_member = who.account.is_some_and(|account| site.is_member(account));
        let here = who.origin.is_none() || who.own_origin;
        // Asked again each time rights are: a link that was removed, or ran out with its token, ends what came by it.
        let by_link = who.link.is_some_and(|link| site.link(link).is_some());
        let from_its_page = || {
            let origin = who.origin.as_ref();
            origin.is_some_and(|origin| site.settings.accepts_origin(origin))
                || (who.own_origin && site.settings.domain.as_str() == DEMO)
        };
        let allowed = match channel {
            Channel::Live { .. } => right != Right::Publish && is_member && here,
            Channel::Query { .. } => right != Right::Publish && (is_member || by_link) && here,
            // Counts are made by being there, and items by editors: neither is published to from a socket.
            Channel::Online { .. } | Channel::Feed { .. } => {
                right != Right::Publish && (from_its_page() || is_member)
            }
            Channel::Room { name, .. } => self.may_in_room(who, right, &site, name),
        };
        if allowed { Ok(()) } else { Err(Refused::NotAllowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::SiteId,
        gate::{RoomGrant, Visitor},
        sites::{AccountId, Link, LinkId, Role, Site},
    };
    use pulsecast_protocol::account::SiteSettings;
    use std::sync::Arc;

    fn gate() -> MemberGate {
        let sites = Sites::default();
        let site = |id, domain: &str| {
            Site::new(SiteId(id), SiteSettings::new(domain.parse().unwrap()))
                .with_member(AccountId(1), Role::Viewer)
        };
        sites.replace(vec![site(1, "example.com"), site(2, DEMO)]);
        MemberGate::new(sites, OwnOrigin::default(), Tokens::new(b"key"))
    }

    fn channel(name: &str) -> Channel {
        name.parse().unwrap()
    }

    fn member() -> Identity {
        Identity {
            account: Some(AccountId(1)),
            user: "1".into(),
            own_origin: true,
            origin: Some(ours()),
            ..Identity::default()
        }
    }

    fn ours() -> Origin {
        "http://localhost:3000".parse().unwrap()
    }

    fn page(origin: &str) -> Identity {
        Identity {
            origin: Some(origin.parse().unwrap()),
            ..Identity::default()
        }
    }

    #[test]
    fn a_foreign_page_gets_no_socket() {
        let gate = gate();
        let open = |origin: &str| gate.open(Some(&origin.parse().unwrap()), Some("localhost:3000"));
        assert_eq!(open("http://evil.example"), Err(Refused::NotAllowed));
        assert_eq!(open("null"), Err(Refused::NotAllowed));
        assert_eq!(open("https://example.com"), Ok(Entrance { own_origin: false }));
        assert_eq!(open("http://localhost:3000"), Ok(Entrance { own_origin: true }));
        assert_eq!(
            gate.open(None, Some("localhost:3000")),
            Ok(Entrance { own_origin: false })
        );
    }

    #[test]
    fn live_and_queries_are_for_members_on_our_own_pages() {
        for name in ["live:example.com", "query:example.com", "query:example.com:pages"] {
            is_for_members_on_our_own_pages(&channel(name));
        }
    }

    fn is_for_members_on_our_own_pages(live: &Channel) {
        let gate = gate();
        assert_eq!(gate.may(&member(), Right::Read, live), Ok(()));
        let stranger = Identity {
            account: Some(AccountId(2)),
            ..member()
        };
        assert_eq!(gate.may(&stranger, Right::Read, live), Err(Refused::NotAllowed));
        let elsewhere = Identity {
            own_origin: false,
            origin: Some("https://example.com".parse().unwrap()),
            ..member()
        };
        assert_eq!(gate.may(&elsewhere, Right::Read, live), Err(Refused::NotAllowed));
        let program = Identity {
            own_origin: false,
            origin: None,
            ..member()
        };
        assert_eq!(gate.may(&program, Right::Read, live), Ok(()));
        assert_eq!(
            gate.may(&member(), Right::Read, &channel("live:nowhere.example")),
            Err(Refused::UnknownChannel)
        );
    }

    #[test]
    fn a_shared_link_lets_its_holder_read_that_sites_queries_and_nothing_else() {
        let gate = gate();
        let link = Link {
            id: LinkId(5),
            hash: [0; 32],
            password_hash: None,
            segment: None,
            embed: false,
            expires: None,
        };
        let mut site = (*gate.sites.get(&"example.com".parse().unwrap()).unwrap()).clone();
        site.links = [link].into();
        let other = (*gate.sites.get(&DEMO.parse().unwrap()).unwrap()).clone();
        gate.sites.replace(vec![site.clone(), other.clone()]);
        let now = Timestamp(1_700_000_000_000);
        let ends = Some(now.plus(60_000));
        let (token, until) = gate
            .tokens
            .issue_link(Purpose::Live, LinkId(5), ends, now)
            .unwrap();
        assert_eq!(Some(until), ends, "no longer than the link");
        let holder = Identity {
            own_origin: true,
            origin: Some(ours()),
            ..gate.identify_token(&token, now).unwrap()
        };
        assert_eq!(holder.account, None);
        assert_eq!(
            gate.may(&holder, Right::Read, &channel("query:example.com")),
            Ok(())
        );
        for closed in ["live:example.com", "query:demo", "online:example.com"] {
            assert_eq!(
                gate.may(&holder, Right::Read, &channel(closed)),
                Err(Refused::NotAllowed),
                "{closed}"
            );
        }
        assert_eq!(gate.identify_token(&token, until), Err(TokenError::Expired));
        let (cookie, _) = gate
            .tokens
            .issue_link(Purpose::Session, LinkId(5), None, now)
            .unwrap();
        assert_eq!(gate.identify_token(&cookie, now), Err(TokenError::Invalid));

        site.links = [].into();
        gate.sites.replace(vec![site, other]);
        assert_eq!(
            gate.may(&holder, Right::Read, &channel("query:example.com")),
            Err(Refused::NotAllowed)
        );
    }

    #[test]
    fn the_count_is_for_the_sites_pages_and_its_members() {
        let gate = gate();
        let online = channel("online:example.com");
        assert_eq!(
            gate.may(&page("https://www.example.com"), Right::Read, &online),
            Ok(())
        );
        assert_eq!(
            gate.may(&page("https://other.example"), Right::Read, &online),
            Err(Refused::NotAllowed)
        );
        assert_eq!(
            gate.may(&Identity::default(), Right::Read, &online),
            Err(Refused::NotAllowed)
        );
        assert_eq!(gate.may(&member(), Right::Read, &online), Ok(()));
        let demo_page = Identity {
            own_origin: true,
            ..page("http://localhost:3000")
        };
        assert_eq!(gate.may(&demo_page, Right::Read, &channel("online:demo")), Ok(()));
        assert_eq!(
            gate.may(&demo_page, Right::Read, &online),
            Err(Refused::NotAllowed)
        );
    }

    #[test]
    fn a_feed_is_for_the_sites_pages_and_nobody_publishes_to_it_from_a_socket() {
        let (gate, feed) = (gate(), channel("feed:example.com"));
        let may = |who: &Identity, right| gate.may(who, right, &feed);
        assert_eq!(may(&page("https://example.com"), Right::Read), Ok(()));
        assert_eq!(may(&page("https://example.com"), Right::History), Ok(()));
        assert_eq!(
            may(&page("https://other.example"), Right::Read),
            Err(Refused::NotAllowed)
        );
        for who in [member(), page("https://example.com")] {
            assert_eq!(may(&who, Right::Publish), Err(Refused::NotAllowed));
        }
    }

    #[test]
    fn a_room_is_for_visitors_of_its_site_with_that_right_in_that_room() {
        let gate = gate();
        let visitor = |site: &str| Identity {
            visitor: Some(Arc::new(Visitor {
                site: site.parse().unwrap(),
                user: "eve".into(),
                rooms: vec![RoomGrant {
                    room: "team-*".into(),
                    rights: vec![Right::Read],
                }],
                token: None,
                issued: Timestamp(0),
                until: None,
            })),
            ..Identity::default()
        };
        let may = |who: &Identity, right, room: &str| gate.may(who, right, &channel(room)).is_ok();
        let eve = visitor("example.com");
        assert!(may(&eve, Right::Read, "room:example.com:team-a"));
        assert!(!may(&eve, Right::Publish, "room:example.com:team-a"));
        assert!(!may(&eve, Right::Read, "room:example.com:boss"));
        assert!(!may(&eve, Right::Read, "room:demo:team-a"));
        assert!(!may(&visitor("demo"), Right::Read, "room:example.com:team-a"));
        assert!(!may(&member(), Right::Read, "room:example.com:team-a"));
    }
}
