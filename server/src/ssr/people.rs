//! Members, invitations, and the asker's own account.

use super::{Asker, RequestApi, invalid};
use crate::{
    auth::{
        invitation,
        login::{LoginError, check_email},
        rights::{self, Right},
        session,
    },
    event::SiteId,
    http::status,
    sites::{AccountId, Site},
    store::accounts::{Change, NewInvitation},
};
use async_trait::async_trait;
use pulsecast_app::api::PeopleApi;
use pulsecast_protocol::{
    ApiError, Domain, ErrorCode,
    access::{InvitationView, Invited, PeopleView, PersonView},
    account::Role,
};
use serde_json::{Value, json};

impl RequestApi {
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
            Err(LoginError::Credentials) => Err(ApiError::new(
                ErrorCode::Forbidden,
                "this is not your password: type the one that you sign in with",
            )),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl PeopleApi for RequestApi {
    async fn role(&self, domain: Domain) -> Result<Role, ApiError> {
        let site = self.visible(&domain)?;
        Ok(rights::may(&site, self.account()?, Right::See)?)
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
        let what = json!({"member": email, "from": had, "to": role});
        self.noting(Some(site.id), "member.role", what)
            .change_role(site.id, AccountId(account), role)
            .await?;
        self.reload().await
    }

    async fn remove_person(&self, domain: Domain, account: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (email, had) = self.person(site.id, account).await?;
        self.may_give(&site, [had, had])?;
        let what = json!({"member": email, "role": had});
        self.noting(Some(site.id), "member.remove", what)
            .remove_member(site.id, AccountId(account))
            .await?;
        self.reload().await
    }

    async fn leave(&self, domain: Domain) -> Result<(), ApiError> {
        let (site, account) = (self.visible(&domain)?, self.account()?);
        let what = json!({"role": site.role(account)});
        self.noting(Some(site.id), "member.leave", what)
            .remove_member(site.id, account)
            .await?;
        self.reload().await
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
        let what = json!({"invited": email, "role": role});
        self.noting(Some(site.id), "invitation.add", what)
            .invite(site.id, &new, now)
            .await?;
        Ok(token)
    }

    async fn withdraw(&self, domain: Domain, id: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Manage)?;
        let (accounts, now) = (self.state.accounts(), self.state.clock().now());
        let waiting = accounts.invitations(site.id, now).await?;
        let email = waiting.into_iter().find(|i| i.id == id).map(|i| i.email);
        self.noting(Some(site.id), "invitation.withdraw", json!({"invited": email}))
            .withdraw(site.id, id)
            .await?;
        Ok(())
    }

    async fn transfer(&self, domain: Domain, account: i64) -> Result<(), ApiError> {
        let site = self.site_for(&domain, Right::Own)?;
        let (email, _) = self.person(site.id, account).await?;
        self.noting(Some(site.id), "site.transfer", json!({"to": email}))
            .transfer(site.id, self.account()?, AccountId(account))
            .await?;
        self.reload().await
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

    async fn change_password(&self, current: String, new: String) -> Result<(), ApiError> {
        let account = self.proven(current).await?;
        let hash = self.state.auth.passwords.hash(new).await.map_err(invalid)?;
        self.noting(None, "account.password", Value::Null)
            .change_password(account, &hash)
            .await?;
        // Every session that began with the old password is over; this one begins anew. What they hold open ends, here too: it comes back.
        self.state.sockets.end_account(account);
        if let (Some(session), Some(account)) =
            (&self.session, self.state.accounts().account_by_id(account).await?)
        {
            session::begin(session, &account, self.state.clock().now())
                .await
                .map_err(|error| status::sessions_away(&error))?;
        }
        Ok(())
    }

    async fn remove_account(&self, password: String) -> Result<(), ApiError> {
        let account = self.proven(password).await?;
        let sites = self.state.sites.all();
        let theirs = sites.iter().filter(|site| site.is_member(account));
        // One entry for each of their sites.
        let accounts = theirs.fold(self.state.accounts().unnoted(), |accounts, site| {
            let change = Change {
                site: Some(site.id),
                email: self.name(),
                action: "account.remove",
                what: Value::Null,
            };
            accounts.noting(change, self.state.clock().now())
        });
        accounts.remove_account(account).await?;
        self.state.sockets.end_account(account);
        self.reload().await
    }
}
