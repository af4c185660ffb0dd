//! Who may see what, what members have set up, who changed it: the settings screens' side of [`RequestApi`].

use super::{Asker, RequestApi, invalid};
use crate::{
    auth::{
        invitation,
        link::{self, Purpose},
        login::check_email,
        rights::{self, Right},
        session,
    },
    event::SiteId,
    http::{share::LinkDoor, status},
    sites::{AccountId, LinkId, Site},
    store::accounts::{AuditEntry, Change, NewGoal, NewInvitation, NewLink, NewSegment},
};
use async_trait::async_trait;
use chrono_tz::Tz;
use pulsecast_app::api::AccessApi;
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode, Timestamp,
    access::{
        ChangeView, GoalDraft, InvitationView, Invited, LinkDraft, LinkView, PeopleView, PersonView,
        SegmentDraft, SegmentView, Shared, SharedSite,
    },
    account::Role,
    exclude::Exclusions,
    stats::{Filter, Funnel, Goal, Subject},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Changes on a page of the trail.
const CHANGES: u32 = 100;
/// Most bytes of a saved filter.
const FILTER_BYTES: usize = 20_000;

impl RequestApi {
    /// Notes what was done, and takes it into memory.
    async fn changed(&self, site: Option<SiteId>, action: &str, what: Value) -> Result<(), ApiError> {
        self.note(site, action, what).await?;
        self.reload().await
    }

    /// Notes what was done in the audit trail.
    pub(super) async fn note(&self, site: Option<SiteId>, action: &str, what: Value) -> Result<(), ApiError> {
        let email = match &self.asker {
            Asker::Member(who) => who.1.as_str(),
            Asker::Nobody | Asker::Link(_) => "nobody",
        };
        let change = Change {
            site,
            email,
            action,
            what,
        };
        let now = self.state.clock().now();
        Ok(self.state.accounts().note(change, now).await?)
    }

    /// Whether there is room for one more of something.
    fn room(&self, count: usize, what: &str) -> Result<(), ApiError> {
        let most = self.state.config.max_items;
        if count < most {
            return Ok(());
        }
        Err(invalid(format!(
            "a site has at most {most} {what}: remove one that nobody needs (or start pulsecast with a higher --max-site-items)"
        )))
    }

    /// A segment of the site that the asker may change.
    fn own_segment(&self, site: &Site, id: i64) -> Result<(String, bool), ApiError> {
        let account = self.account()?;
        let saved = site.segments.iter().find(|saved| saved.segment.id == id);
        let saved = saved
            .filter(|saved| saved.segment.shared || saved.owner == Some(account))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is no such segment"))?;
        if saved.segment.shared && saved.owner != Some(account) {
            rights::may(site, account, Right::EditGoals)?;
        }
        Ok((saved.segment.name.clone(), saved.segment.shared))
    }

    fn check_segment(&self, site: &Site, draft: &SegmentDraft) -> Result<(), ApiError> {
        if draft.shared {
            rights::may(site, self.account()?, Right::EditGoals)?;
        }
        let size = serde_json::to_string(&draft.filters).map_or(usize::MAX, |text| text.len());
        if draft.filters.is_empty() || size > FILTER_BYTES {
            return Err(invalid(
                "a segment has at least one filter and at most 20000 bytes of them",
            ));
        }
        if draft.filters.iter().any(names_segment) {
            return Err(invalid(
                "a segment cannot be made of segments: write their filters out",
            ));
        }
        Ok(())
    }

    /// A member of the site by number, as the asker may know them.
    async fn person(&self, site: SiteId, account: i64) -> Result<(String, Role), ApiError> {
        let people = self.state.accounts().people(site).await?;
        let found = people.into_iter().find(|person| person.account.0 == account);
        found
            .map(|person| (person.email, person.role))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is no such member"))
    }

    /// Owners are made and unmade by owners alone.
    fn may_give(&self, site: &Site, roles: [Role; 2]) -> Result<(), ApiError> {
        let right = if roles.contains(&Role::Owner) {
            Right::Own
        } else {
            Right::Manage
        };
        Ok(rights::may(site, self.account()?, right).map(drop)?)
    }
}

fn names_segment(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(names_segment),
        Filter::Not(one) | Filter::HasDone(one) | Filter::HasNotDone(one) => names_segment(one),
        Filter::Condition(condition) => condition.subject == Subject::Segment,
    }
}

#[async_trait]
impl AccessApi for RequestApi {
    async fn role(&self, domain: Domain) -> Result<Role, ApiError> {
        let site = self.visible(&domain)?;
        Ok(rights::may(&site, self.account()?, Right::See)?)
    }

    async fn goals(&self, domain: Domain) -> Result<Vec<Goal>, ApiError> {
        Ok(self.visible(&domain)?.goals.to_vec())
    }

    async fn add_goal(&self, domain: Domain, goal: GoalDraft) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.room(site.goals.len(), "goals")?;
        let goal = NewGoal {
            name: goal.name,
            kind: goal.kind,
            currency: goal.currency,
        };
        self.state.accounts().add_goal(site.id, &goal).await?;
        let what = json!({"name": goal.name, "goal": goal.kind, "currency": goal.currency});
        self.changed(Some(site.id), "goal.add", what).await
    }

    async fn remove_goal(&self, domain: Domain, goal: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.state.accounts().remove_goal(site.id, goal).await?;
        let name = site.goals.iter().find(|g| g.id == goal).map(|g| g.name.as_str());
        self.changed(Some(site.id), "goal.remove", json!({"name": name}))
            .await
    }

    async fn funnels(&self, domain: Domain) -> Result<Vec<Funnel>, ApiError> {
        Ok(self.visible(&domain)?.funnels.to_vec())
    }

    async fn add_funnel(&self, domain: Domain, name: String, steps: Vec<i64>) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.room(site.funnels.len(), "funnels")?;
        self.state.accounts().add_funnel(site.id, &name, &steps).await?;
        let label = |step: &i64| site.goals.iter().find(|g| g.id == *step).map(|g| g.name.as_str());
        let steps: Vec<_> = steps.iter().map(label).collect();
        self.changed(Some(site.id), "funnel.add", json!({"name": name, "steps": steps}))
            .await
    }

    async fn remove_funnel(&self, domain: Domain, funnel: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::EditGoals)?;
        self.state.accounts().remove_funnel(site.id, funnel).await?;
        let name = site
            .funnels
            .iter()
            .find(|f| f.id == funnel)
            .map(|f| f.name.as_str());
        self.changed(Some(site.id), "funnel.remove", json!({"name": name}))
            .await
    }

    async fn segments(&self, domain: Domain) -> Result<Vec<SegmentView>, ApiError> {
        let site = self.visible(&domain)?;
        let account = self.account()?;
        let may_edit = rights::may(&site, account, Right::EditGoals).is_ok();
        let seen = site.segments.iter().filter_map(|saved| {
            let is_own = saved.owner == Some(account);
            (is_own || saved.segment.shared).then(|| SegmentView {
                segment: saved.segment.clone(),
                is_yours: is_own || may_edit,
            })
        });
        Ok(seen.collect())
    }

    async fn add_segment(&self, domain: Domain, draft: SegmentDraft) -> Result<i64, ApiError> {
        let site = self.visible(&domain)?;
        self.room(site.segments.len(), "segments")?;
        self.check_segment(&site, &draft)?;
        let segment = new_segment(draft);
        let id = self
            .state
            .accounts()
            .add_segment(site.id, self.account()?, &segment)
            .await?;
        self.segment_changed(&site, "segment.add", &segment).await?;
        Ok(id)
    }

    async fn save_segment(&self, domain: Domain, id: i64, draft: SegmentDraft) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        let (_, was_shared) = self.own_segment(&site, id)?;
        self.check_segment(&site, &draft)?;
        let limits_a_link = site.links.iter().any(|link| link.segment == Some(id));
        if limits_a_link {
            // What a link's holders see is a matter of links.
            rights::may(&site, self.account()?, Right::Manage)?;
            if was_shared && !draft.shared {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    "a shared link is limited to this segment: it has to stay shared",
                ));
            }
        }
        let segment = new_segment(draft);
        self.state.accounts().save_segment(site.id, id, &segment).await?;
        self.segment_changed(&site, "segment.change", &segment).await
    }

    async fn remove_segment(&self, domain: Domain, segment: i64) -> Result<(), ApiError> {
        let site = self.visible(&domain)?;
        let (name, shared) = self.own_segment(&site, segment)?;
        self.state.accounts().remove_segment(site.id, segment).await?;
        if shared {
            self.note(Some(site.id), "segment.remove", json!({"name": name}))
                .await?;
        }
        self.reload().await
    }

    async fn people(&self, domain: Domain) -> Result<PeopleView, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (accounts, you) = (self.state.accounts(), self.account()?);
        let people = accounts
            .people(site.id)
            .await?
            .into_iter()
            .map(|person| PersonView {
                account: person.account.0,
                email: person.email,
                role: person.role,
                is_you: person.account == you,
            });
        let invitations = accounts.invitations(site.id, self.state.clock().now()).await?;
        let invitations = invitations.into_iter().map(|invitation| InvitationView {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by,
            expires: invitation.expires,
        });
        Ok(PeopleView {
            you: site.role(you).unwrap_or(Role::Viewer),
            people: people.collect(),
            invitations: invitations.collect(),
        })
    }

    async fn change_role(&self, domain: Domain, account: i64, role: Role) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (email, had) = self.person(site.id, account).await?;
        self.may_give(&site, [had, role])?;
        self.state
            .accounts()
            .change_role(site.id, AccountId(account), role)
            .await?;
        let what = json!({"member": email, "from": had, "to": role});
        self.changed(Some(site.id), "member.role", what).await
    }

    async fn remove_person(&self, domain: Domain, account: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (email, had) = self.person(site.id, account).await?;
        self.may_give(&site, [had, had])?;
        self.state
            .accounts()
            .remove_member(site.id, AccountId(account))
            .await?;
        let what = json!({"member": email, "role": had});
        self.changed(Some(site.id), "member.remove", what).await
    }

    async fn leave(&self, domain: Domain) -> Result<(), ApiError> {
        let (site, account) = (self.visible(&domain)?, self.account()?);
        self.state.accounts().remove_member(site.id, account).await?;
        let what = json!({"role": site.role(account)});
        self.changed(Some(site.id), "member.leave", what).await
    }

    async fn invite(&self, domain: Domain, email: String, role: Role) -> Result<String, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        self.may_give(&site, [role, role])?;
        let email = check_email(&email).map_err(invalid)?;
        let (accounts, now) = (self.state.accounts(), self.state.clock().now());
        let waiting = accounts.invitations(site.id, now).await?;
        self.room(site.members.len() + waiting.len(), "members and invitations")?;
        if let Some(known) = accounts.account(email).await?
            && site.is_member(known.id)
        {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("{email} is a member already: change the role in the list"),
            ));
        }
        let (token, hash) = invitation::fresh();
        let new = NewInvitation {
            hash: &hash,
            email,
            role,
            invited_by: &self.own_email()?,
            expires: now.plus(invitation::LIFETIME),
        };
        accounts.invite(site.id, &new, now).await?;
        self.note(
            Some(site.id),
            "invitation.add",
            json!({"invited": email, "role": role}),
        )
        .await?;
        Ok(token)
    }

    async fn withdraw(&self, domain: Domain, id: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (accounts, now) = (self.state.accounts(), self.state.clock().now());
        let waiting = accounts.invitations(site.id, now).await?;
        let email = waiting.into_iter().find(|i| i.id == id).map(|i| i.email);
        accounts.withdraw(site.id, id).await?;
        self.note(Some(site.id), "invitation.withdraw", json!({"invited": email}))
            .await
    }

    async fn transfer(&self, domain: Domain, account: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Own)?;
        let (email, _) = self.person(site.id, account).await?;
        self.state
            .accounts()
            .transfer(site.id, self.account()?, AccountId(account))
            .await?;
        self.changed(Some(site.id), "site.transfer", json!({"to": email}))
            .await
    }

    async fn invitation(&self, token: String) -> Result<Invited, ApiError> {
        let found = self.state.auth.invitation(&token).await?;
        let gone = || ApiError::new(ErrorCode::NotFound, invitation::GONE);
        let invitation = found.ok_or_else(gone)?;
        let site = self.state.sites.by_id(invitation.site).ok_or_else(gone)?;
        let has_account = self.state.accounts().account(&invitation.email).await?.is_some();
        Ok(Invited {
            domain: site.settings.domain.clone(),
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by,
            has_account,
        })
    }

    async fn links(&self, domain: Domain) -> Result<Vec<LinkView>, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let now = self.state.clock().now();
        let links = self.state.accounts().links(site.id).await?;
        let view = |link: crate::store::accounts::SharedLink| LinkView {
            id: link.id.0,
            prefix: link.prefix,
            name: link.name,
            has_password: link.has_password,
            segment: link.segment.map(|id| segment_name(&site, id)),
            embed: link.embed,
            created: link.created,
            expires: link.expires,
            is_expired: link.expires.is_some_and(|at| at <= now),
            last_used: link.last_used,
        };
        Ok(links.into_iter().map(view).collect())
    }

    async fn add_link(&self, domain: Domain, draft: LinkDraft) -> Result<String, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        self.room(site.links.len(), "shared links")?;
        let password_hash = match draft.password {
            Some(password) => Some(self.state.auth.passwords.hash(password).await.map_err(invalid)?),
            None => None,
        };
        let (slug, hash) = link::fresh();
        let now = self.state.clock().now();
        let new = NewLink {
            hash: &hash,
            prefix: link::prefix(&slug),
            name: &draft.name,
            password_hash: password_hash.as_deref(),
            segment: draft.segment,
            embed: draft.embed,
            expires: draft.days.map(|days| now.plus(i64::from(days) * Timestamp::DAY)),
        };
        self.state.accounts().add_link(site.id, &new, now).await?;
        let what = json!({
            "name": draft.name, "password": password_hash.is_some(), "embed": draft.embed, "days": draft.days,
            "segment": draft.segment.map(|id| segment_name(&site, id)),
        });
        self.changed(Some(site.id), "link.add", what).await?;
        Ok(slug)
    }

    async fn remove_link(&self, domain: Domain, id: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let accounts = self.state.accounts();
        let links = accounts.links(site.id).await?;
        let name = links
            .into_iter()
            .find(|link| link.id.0 == id)
            .map(|link| link.name);
        accounts.remove_link(site.id, LinkId(id)).await?;
        self.changed(Some(site.id), "link.remove", json!({"name": name}))
            .await
    }

    async fn shared(&self) -> Result<Shared, ApiError> {
        let via = match &self.asker {
            Asker::Link(LinkDoor::Open(via)) => via,
            Asker::Link(LinkDoor::Password) => return Ok(Shared::Password),
            Asker::Link(LinkDoor::Expired) => return Ok(Shared::Expired),
            Asker::Link(LinkDoor::Nothing) | Asker::Member(_) | Asker::Nobody => return Ok(Shared::Nothing),
        };
        let Some(site) = self.state.sites.get(&via.domain) else {
            return Ok(Shared::Nothing);
        };
        let link = site.link(via.link);
        let now = self.state.clock().now();
        let (token, _) = self
            .state
            .auth
            .tokens
            .issue_link(Purpose::Live, via.link, link.and_then(|link| link.expires), now)
            .map_err(|error| {
                tracing::error!(%error, "cannot sign a token");
                ApiError::new(
                    ErrorCode::Internal,
                    "the page cannot be made: see the server's log",
                )
            })?;
        let segment = link.and_then(|link| link.segment);
        Ok(Shared::Open(SharedSite {
            domain: via.domain.clone(),
            segment: segment.map(|id| segment_name(&site, id)),
            token,
        }))
    }

    async fn save_exclusions(&self, domain: Domain, exclusions: Exclusions) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let longest = [
            exclusions.ips.len(),
            exclusions.paths.len(),
            exclusions.hostnames.len(),
            exclusions.countries.len(),
        ];
        if longest.into_iter().any(|len| len > Exclusions::MOST) {
            return Err(invalid(format!(
                "a list has at most {} entries",
                Exclusions::MOST
            )));
        }
        let what = json!(exclusions);
        let mut settings = site.settings.clone();
        settings.exclusions = exclusions;
        self.state.accounts().save_site(site.id, &settings).await?;
        self.changed(Some(site.id), "site.exclusions", what).await
    }

    async fn save_retention(&self, domain: Domain, days: Option<u32>) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let mut settings = site.settings.clone();
        let before = std::mem::replace(&mut settings.retention_days, days);
        self.state.accounts().save_site(site.id, &settings).await?;
        self.changed(
            Some(site.id),
            "site.retention",
            json!({"from": before, "to": days}),
        )
        .await
    }

    async fn changes(&self, domain: Domain, before: Option<i64>) -> Result<Vec<ChangeView>, ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let zone: Tz = site.settings.timezone.parse().unwrap_or(Tz::UTC);
        let changes = self.state.accounts().changes(site.id, before, CHANGES).await?;
        let view = |change: AuditEntry| ChangeView {
            id: change.id,
            at: change.at,
            when: wall_clock(change.at, zone),
            email: change.email,
            action: change.action,
            what: change.what,
        };
        Ok(changes.into_iter().map(view).collect())
    }

    async fn change_password(&self, current: String, new: String) -> Result<(), ApiError> {
        let account = self.proven(current).await?;
        let hash = self.state.auth.passwords.hash(new).await.map_err(invalid)?;
        self.state.accounts().change_password(account, &hash).await?;
        // Every session that began with the old password is over; this one begins anew. What they hold open ends, here too: it comes back.
        self.state.sockets.end_account(account);
        if let (Some(session), Some(account)) =
            (&self.session, self.state.accounts().account_by_id(account).await?)
        {
            session::begin(session, &account, self.state.clock().now())
                .await
                .map_err(|error| status::sessions_away(&error))?;
        }
        self.note(None, "account.password", Value::Null).await
    }

    async fn remove_account(&self, password: String) -> Result<(), ApiError> {
        let account = self.proven(password).await?;
        let sites = self.state.sites.all();
        self.state.accounts().remove_account(account).await?;
        self.state.sockets.end_account(account);
        for site in sites.iter().filter(|site| site.is_member(account)) {
            self.note(Some(site.id), "account.remove", Value::Null).await?;
        }
        self.reload().await
    }
}

impl RequestApi {
    fn own_email(&self) -> Result<String, ApiError> {
        self.account()?;
        match &self.asker {
            Asker::Member(who) => Ok(who.1.clone()),
            Asker::Nobody | Asker::Link(_) => Ok(String::new()),
        }
    }

    /// Whose password this is: the asker's. Counts against the limits of signing in.
    async fn proven(&self, password: String) -> Result<AccountId, ApiError> {
        let account = self
            .state
            .auth
            .sign_in(&self.own_email()?, password, self.ip)
            .await;
        match account {
            Ok(account) => Ok(account.id),
            Err(crate::auth::login::LoginError::Credentials) => Err(ApiError::new(
                ErrorCode::Forbidden,
                "this is not your password: type the one that you sign in with",
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// What members keep for themselves is nobody else's business, in the trail neither.
    async fn segment_changed(
        &self,
        site: &Arc<Site>,
        action: &str,
        segment: &NewSegment,
    ) -> Result<(), ApiError> {
        if segment.shared {
            let what = json!({"name": segment.name, "filters": segment.filters});
            self.note(Some(site.id), action, what).await?;
        }
        self.reload().await
    }
}

fn new_segment(draft: SegmentDraft) -> NewSegment {
    NewSegment {
        name: draft.name,
        shared: draft.shared,
        filters: draft.filters,
    }
}

fn segment_name(site: &Site, id: i64) -> String {
    let saved = site.segments.iter().find(|saved| saved.segment.id == id);
    saved.map_or_else(|| format!("segment {id}"), |saved| saved.segment.name.clone())
}

fn wall_clock(at: Timestamp, zone: Tz) -> String {
    chrono::DateTime::from_timestamp_millis(at.millis())
        .unwrap_or_default()
        .with_timezone(&zone)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}
