//! What the settings screens need of a server: who may see what, what they have set up, who changed it.

use async_trait::async_trait;
use pulsecast_protocol::{
    ApiError, Domain,
    access::{
        ChangeView, GoalDraft, Invited, LinkDraft, LinkView, PeopleView, SegmentDraft, SegmentView, Shared,
    },
    account::Role,
    exclude::Exclusions,
    stats::{Funnel, Goal},
};

/// As [`super::Api`]: every method checks by itself whether the asker may.
#[async_trait]
pub trait AccessApi: Send + Sync + 'static {
    /// What the asker may do with the site.
    async fn role(&self, domain: Domain) -> Result<Role, ApiError>;

    /// The site's goals.
    async fn goals(&self, domain: Domain) -> Result<Vec<Goal>, ApiError>;
    /// Adds one.
    async fn add_goal(&self, domain: Domain, goal: GoalDraft) -> Result<(), ApiError>;
    /// Removes one that no funnel is made of.
    async fn remove_goal(&self, domain: Domain, goal: i64) -> Result<(), ApiError>;

    /// The site's funnels.
    async fn funnels(&self, domain: Domain) -> Result<Vec<Funnel>, ApiError>;
    /// Adds one of these goals.
    async fn add_funnel(&self, domain: Domain, name: String, steps: Vec<i64>) -> Result<(), ApiError>;
    /// Removes one.
    async fn remove_funnel(&self, domain: Domain, funnel: i64) -> Result<(), ApiError>;

    /// The segments that the asker may use.
    async fn segments(&self, domain: Domain) -> Result<Vec<SegmentView>, ApiError>;
    /// Saves a filter; answers its number. Shared ones take the right to edit goals.
    async fn add_segment(&self, domain: Domain, segment: SegmentDraft) -> Result<i64, ApiError>;
    /// Replaces one.
    async fn save_segment(&self, domain: Domain, id: i64, segment: SegmentDraft) -> Result<(), ApiError>;
    /// Removes one that no shared link is limited to.
    async fn remove_segment(&self, domain: Domain, segment: i64) -> Result<(), ApiError>;

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

    /// The site's shared links.
    async fn links(&self, domain: Domain) -> Result<Vec<LinkView>, ApiError>;
    /// Makes one; answers the secret part of its address, which is shown this once.
    async fn add_link(&self, domain: Domain, link: LinkDraft) -> Result<String, ApiError>;
    /// Removes one: whoever has it open sees nothing any more.
    async fn remove_link(&self, domain: Domain, link: i64) -> Result<(), ApiError>;
    /// What the shared link in this page's address shows; nobody has to be signed in.
    async fn shared(&self) -> Result<Shared, ApiError>;

    /// Replaces what is not counted.
    async fn save_exclusions(&self, domain: Domain, exclusions: Exclusions) -> Result<(), ApiError>;
    /// Changes how long events are kept; `None` is for ever.
    async fn save_retention(&self, domain: Domain, days: Option<u32>) -> Result<(), ApiError>;

    /// A page of the site's changes before the one of this number, the newest first.
    async fn changes(&self, domain: Domain, before: Option<i64>) -> Result<Vec<ChangeView>, ApiError>;

    /// Changes the asker's password; ends their other sessions.
    async fn change_password(&self, current: String, new: String) -> Result<(), ApiError>;
    /// Removes the asker's account, if that is their password and no site needs them.
    async fn remove_account(&self, password: String) -> Result<(), ApiError>;
}
