//! What the screens need of a server for members, invitations and the viewer's own account.

use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    access::{Invited, PeopleView},
    account::Role,
};

/// As [`super::Api`]: every method checks by itself whether the asker may.
#[async_trait]
pub trait PeopleApi: Send + Sync + 'static {
    /// What the asker may do with the site.
    async fn role(&self, domain: Domain) -> Result<Role, ApiError>;

    /// Who may see the site.
    async fn people(&self, domain: Domain) -> Result<PeopleView, ApiError>;

    /// Gives a member another role.
    async fn change_role(&self, domain: Domain, account: i64, role: Role) -> Result<(), ApiError>;

    /// Ends a membership.
    async fn remove_person(&self, domain: Domain, account: i64) -> Result<(), ApiError>;

    /// Ends the asker's own membership.
    async fn leave(&self, domain: Domain) -> Result<(), ApiError>;

    /// Invites somebody; answers the secret part of the invitation's address, which is shown this once.
    async fn invite(&self, domain: Domain, email: String, role: Role) -> Result<String, ApiError>;

    /// Takes an invitation back.
    async fn withdraw(&self, domain: Domain, invitation: i64) -> Result<(), ApiError>;

    /// Makes another member the owner, and the asker an admin.
    async fn transfer(&self, domain: Domain, account: i64) -> Result<(), ApiError>;

    /// What this invitation is for; nobody has to be signed in.
    async fn invitation(&self, token: String) -> Result<Invited, ApiError>;

    /// Changes the asker's password; ends their other sessions.
    async fn change_password(&self, current: String, new: String) -> Result<(), ApiError>;

    /// Removes the asker's account, if that is their password and no site needs them.
    async fn remove_account(&self, password: String) -> Result<(), ApiError>;
}
