//! Answers the transports' questions: who may open a socket, whose token is this, who may read which channel.

use super::{OwnOrigin, Tokens, link::Purpose};
use crate::{
    gate::{Entrance, Gate, Identity, Refused, TokenError},
    sites::{DEMO, Sites},
};
use pulsecast_protocol::{Channel, Origin, Timestamp};

/// The gate as accounts and sites have it.
#[derive(Clone, Debug)]
pub struct MemberGate {
    sites: Sites,
    own: OwnOrigin,
    tokens: Tokens,
}

impl MemberGate {
    /// Over these sites, with this own origin, for tokens of this key.
    #[must_use]
    pub fn new(sites: Sites, own: OwnOrigin, tokens: Tokens) -> Self {
        Self { sites, own, tokens }
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
        // A token for another purpose is "invalid"; only one that was good for its own can be "expired".
        match self.tokens.read(token, now) {
            Ok((account, expires)) => Ok(Identity {
                account: Some(account),
                user: account.0.to_string(),
                expires: Some(expires),
                ..Identity::default()
            }),
            Err(TokenError::Expired) => Err(TokenError::Expired),
            Err(TokenError::Invalid) => {
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

    fn may_read(&self, who: &Identity, channel: &Channel) -> Result<(), Refused> {
        let site = self.sites.get(channel.site()).ok_or(Refused::UnknownChannel)?;
        let is_member = who.account.is_some_and(|account| site.is_member(account));
        let here = who.origin.is_none() || who.own_origin;
        // Asked again each time rights are: a link that was removed, or ran out with its token, ends what came by it.
        let by_link = who.link.is_some_and(|link| site.link(link).is_some());
        let allowed = match channel {
            Channel::Live { .. } => is_member && here,
            Channel::Query { .. } => (is_member || by_link) && here,
            Channel::Online { path: None, .. } => {
                let from_its_page = who
                    .origin
                    .as_ref()
                    .is_some_and(|origin| site.settings.accepts_origin(origin));
                from_its_page || is_member || (who.own_origin && site.settings.domain.as_str() == DEMO)
            }
            // Counts by page, feeds and rooms are not there yet.
            Channel::Online { path: Some(_), .. } | Channel::Feed { .. } | Channel::Room { .. } => {
                return Err(Refused::UnknownChannel);
            }
        };
        if allowed { Ok(()) } else { Err(Refused::NotAllowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::SiteId,
        sites::{AccountId, Link, LinkId, Role, Site},
    };
    use pulsecast_protocol::account::SiteSettings;

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
        assert_eq!(gate.may_read(&member(), live), Ok(()));
        let stranger = Identity {
            account: Some(AccountId(2)),
            ..member()
        };
        assert_eq!(gate.may_read(&stranger, live), Err(Refused::NotAllowed));
        let elsewhere = Identity {
            own_origin: false,
            origin: Some("https://example.com".parse().unwrap()),
            ..member()
        };
        assert_eq!(gate.may_read(&elsewhere, live), Err(Refused::NotAllowed));
        let program = Identity {
            own_origin: false,
            origin: None,
            ..member()
        };
        assert_eq!(gate.may_read(&program, live), Ok(()));
        assert_eq!(
            gate.may_read(&member(), &channel("live:nowhere.example")),
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
        assert_eq!(gate.may_read(&holder, &channel("query:example.com")), Ok(()));
        for closed in ["live:example.com", "query:demo", "online:example.com"] {
            assert_eq!(
                gate.may_read(&holder, &channel(closed)),
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
            gate.may_read(&holder, &channel("query:example.com")),
            Err(Refused::NotAllowed)
        );
    }

    #[test]
    fn the_count_is_for_the_sites_pages_and_its_members() {
        let gate = gate();
        let online = channel("online:example.com");
        assert_eq!(gate.may_read(&page("https://www.example.com"), &online), Ok(()));
        assert_eq!(
            gate.may_read(&page("https://other.example"), &online),
            Err(Refused::NotAllowed)
        );
        assert_eq!(
            gate.may_read(&Identity::default(), &online),
            Err(Refused::NotAllowed)
        );
        assert_eq!(gate.may_read(&member(), &online), Ok(()));
        let demo_page = Identity {
            own_origin: true,
            ..page("http://localhost:3000")
        };
        assert_eq!(gate.may_read(&demo_page, &channel("online:demo")), Ok(()));
        assert_eq!(gate.may_read(&demo_page, &online), Err(Refused::NotAllowed));
    }
}
