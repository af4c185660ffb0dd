//! What a question is asked within: the site, what its members have set up, and how much of it the asker may see.

use super::StatsError;
use crate::{
    event::SiteId,
    sites::{AccountId, Link, Site},
};
use chrono_tz::Tz;
use pulsecast_protocol::{
    Domain,
    stats::{Condition, Filter, Funnel, Goal, Operator, Segment, Subject},
};
use std::sync::Arc;

/// What a question is asked within: the site, and what its owner has set up.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Whose history.
    pub site: SiteId,
    /// Its domain.
    pub domain: Domain,
    /// Where its days begin.
    pub timezone: Tz,
    /// Its goals.
    pub goals: Arc<[Goal]>,
    /// Its segments that the asker may use.
    pub segments: Arc<[Segment]>,
    /// What the asker may see: added to every question. `None` is everything.
    pub forced: Option<Filter>,
}

impl Scope {
    /// For this account: the segments that are shared, and its own. `None` is a program that acts for nobody in particular.
    #[must_use]
    pub fn of(site: &Site, asker: Option<AccountId>) -> Self {
        let is_theirs = |owner: Option<AccountId>| asker.is_some() && owner == asker;
        let segments = site
            .segments
            .iter()
            .filter(|saved| saved.segment.shared || is_theirs(saved.owner))
            .map(|saved| saved.segment.clone());
        Self {
            site: site.id,
            domain: site.settings.domain.clone(),
            // Checked when it was set.
            timezone: site.settings.timezone.parse().unwrap_or(Tz::UTC),
            goals: site.goals.clone(),
            segments: segments.collect(),
            forced: None,
        }
    }

    /// The goals of a funnel, in its order.
    ///
    /// # Errors
    /// When one of them is gone.
    pub fn steps(&self, funnel: &Funnel) -> Result<Vec<Goal>, StatsError> {
        let found = |id: &i64| self.goals.iter().find(|goal| goal.id == *id).cloned();
        let steps: Option<Vec<Goal>> = funnel.steps.iter().map(found).collect();
        steps.ok_or_else(|| StatsError::Invalid {
            path: "funnel".to_owned(),
            reason: "a goal of this funnel was removed: edit the funnel".to_owned(),
        })
    }

    /// For whoever holds a shared link: within its segment, and without knowing of the others. `None` when that segment is not there:
    /// then nothing may be seen.
    #[must_use]
    pub fn of_link(site: &Site, link: &Link) -> Option<Self> {
        let all = Self::of(site, None);
        let Some(id) = link.segment else {
            return Some(Self {
                segments: Arc::default(),
                ..all
            });
        };
        // Named rather than written out: what is followed live stays within what the segment says now.
        let segment = all.segments.iter().find(|segment| segment.id == id)?.clone();
        let condition = Condition {
            operator: Operator::Is,
            subject: Subject::Segment,
            values: vec![id.to_string()],
            case_sensitive: true,
        };
        Some(Self {
            segments: [segment].into(),
            forced: Some(Filter::Condition(condition)),
            ..all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites::{LinkId, SavedSegment};
    use pulsecast_protocol::{account::SiteSettings, stats::Dimension};

    fn site() -> Site {
        let segment = |id, owner, shared| SavedSegment {
            owner: Some(AccountId(owner)),
            segment: Segment {
                id,
                name: format!("segment {id}"),
                shared,
                filters: vec![Filter::is(Dimension::Country, ["DE"])],
            },
        };
        let mut site = Site::new(SiteId(1), SiteSettings::new("example.com".parse().unwrap()));
        site.segments = [segment(1, 7, false), segment(2, 8, false), segment(3, 8, true)].into();
        site
    }

    fn link(segment: Option<i64>) -> Link {
        Link {
            id: LinkId(1),
            hash: [0; 32],
            password_hash: None,
            segment,
            embed: false,
            expires: None,
        }
    }

    #[test]
    fn nobody_uses_another_members_own_segment() {
        let ids = |asker| {
            Scope::of(&site(), asker)
                .segments
                .iter()
                .map(|s| s.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(Some(AccountId(7))), [1, 3]);
        assert_eq!(ids(None), [3]);
    }

    #[test]
    fn a_link_sees_what_its_segment_lets_through_and_nothing_without_it() {
        let site = site();
        let limited = Scope::of_link(&site, &link(Some(3))).unwrap();
        assert!(matches!(
            limited.forced,
            Some(Filter::Condition(Condition {
                subject: Subject::Segment,
                ..
            }))
        ));
        assert_eq!(limited.segments.iter().map(|s| s.id).collect::<Vec<_>>(), [3]);
        assert!(Scope::of_link(&site, &link(Some(99))).is_none());
        assert!(Scope::of_link(&site, &link(Some(1))).is_none(), "not shared");
        assert_eq!(Scope::of_link(&site, &link(None)).unwrap().forced, None);
    }
}
