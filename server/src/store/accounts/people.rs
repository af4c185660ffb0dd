//! Who is a member of which site, who is invited to become one, and how accounts change and end.

use super::AccountsError;
use crate::{
    event::SiteId,
    sites::{AccountId, Role},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;

/// A member, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub account: AccountId,
    /// By which address.
    pub email: String,
    /// What they may.
    pub role: Role,
}

/// An invitation that nobody has taken up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its number.
    pub id: i64,
    /// To which site.
    pub site: SiteId,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: String,
    /// Until when.
    pub expires: Timestamp,
}

/// An invitation to be kept.
#[derive(Clone, Debug)]
pub struct NewInvitation<'a> {
    /// SHA-256 of its token.
    pub hash: &'a [u8; 32],
    /// Whom.
    pub email: &'a str,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: &'a str,
    /// Until when.
    pub expires: Timestamp,
}

/// Members and invitations as the server uses them.
#[async_trait]
pub trait People: Send + Sync + 'static {
    /// The site's members with their addresses, the most powerful first.
    async fn people(&self, site: SiteId) -> Result<Vec<Person>, AccountsError>;

    /// Gives a member another role. The last owner stays one.
    async fn change_role(&self, site: SiteId, account: AccountId, role: Role) -> Result<(), AccountsError>;

    /// Ends a membership. The last owner stays.
    async fn remove_member(&self, site: SiteId, account: AccountId) -> Result<(), AccountsError>;

    /// Makes `to`, a member, an owner, and `from` an admin; both or neither.
    async fn transfer(&self, site: SiteId, from: AccountId, to: AccountId) -> Result<(), AccountsError>;

    /// Keeps an invitation, instead of an earlier one for the same address.
    async fn invite(
        &self,
        site: SiteId,
        invitation: &NewInvitation<'_>,
        now: Timestamp,
    ) -> Result<i64, AccountsError>;

    /// The site's invitations that are still good.
    async fn invitations(&self, site: SiteId, now: Timestamp) -> Result<Vec<Invitation>, AccountsError>;

    /// The invitation with the token of this hash, if it is still good.
    async fn invitation(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, AccountsError>;

    /// Takes an invitation back.
    async fn withdraw(&self, site: SiteId, invitation: i64) -> Result<(), AccountsError>;

    /// Makes this account a member as the invitation says, and uses it up. Whoever may do more already keeps that.
    async fn accept(
        &self,
        hash: &[u8; 32],
        account: AccountId,
        now: Timestamp,
    ) -> Result<Invitation, AccountsError>;

    /// Replaces an account's password.
    async fn change_password(&self, account: AccountId, hash: &str) -> Result<(), AccountsError>;

    /// Removes an account, its memberships and what it did not share. Refused while it is the last owner of a site that has others.
    async fn remove_account(&self, account: AccountId) -> Result<(), AccountsError>;
}
