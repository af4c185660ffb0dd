//! What the settings screens show of people, links and changes, and what they ask for.

use crate::{
    Domain, Timestamp,
    account::Role,
    stats::{Filter, GoalKind, Segment},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A member of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// The account's number.
    pub account: i64,
    /// By which address.
    pub email: String,
    /// What they may.
    pub role: Role,
    /// Whether it is the asker.
    pub is_you: bool,
}

/// An invitation that nobody has taken up yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// Its number.
    pub id: i64,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: String,
    /// Until when.
    pub expires: Timestamp,
}

/// Who may see a site, and who soon may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleView {
    /// What the asker may.
    pub you: Role,
    /// Members, the most powerful first.
    pub people: Vec<PersonView>,
    /// Invitations that are still good.
    pub invitations: Vec<InvitationView>,
}

/// An invitation as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// To which site.
    pub domain: Domain,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: String,
    /// Whether there is an account of that address: then its owner signs in instead of making one.
    pub has_account: bool,
}

/// A shared link, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// Its number.
    pub id: i64,
    /// The first letters of its secret part.
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// Whether a password is asked for.
    pub has_password: bool,
    /// Name of the segment that it is limited to.
    pub segment: Option<String>,
    /// Whether other pages may show it in a frame.
    pub embed: bool,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it shows nothing.
    pub expires: Option<Timestamp>,
    /// Whether it shows nothing any more.
    pub is_expired: bool,
    /// When somebody last opened it, to the hour.
    pub last_used: Option<Timestamp>,
}

/// A shared link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDraft {
    /// What it is called.
    pub name: String,
    /// The password that is asked for.
    pub password: Option<String>,
    /// Number of the shared segment that it is limited to.
    pub segment: Option<i64>,
    /// Days until it shows nothing.
    pub days: Option<u16>,
    /// Whether other pages may show it in a frame.
    pub embed: bool,
}

/// What becomes of something that can stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited<T> {
    /// It stays.
    AsItIs,
    /// It is this from now on.
    Now(T),
}

/// What becomes of a shared link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkEdit {
    /// What it is called.
    pub name: String,
    /// The password that is asked for.
    pub password: Edited<Option<String>>,
    /// Days from now until it shows nothing.
    pub days: Edited<Option<u16>>,
}

/// A goal to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalDraft {
    /// What it is called.
    pub name: String,
    /// When it is reached.
    pub kind: GoalKind,
    /// ISO 4217 currency of its revenue.
    pub currency: Option<String>,
}

/// A filter to be saved.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentDraft {
    /// What it is called.
    pub name: String,
    /// Whether all members see it.
    pub shared: bool,
    /// What it filters: all of these.
    pub filters: Vec<Filter>,
}

/// A saved filter, as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentView {
    /// It.
    pub segment: Segment,
    /// Whether the asker may change it.
    pub is_yours: bool,
}

/// A change of the audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeView {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// When, by the site's clock: `2026-03-01 14:05`.
    pub when: String,
    /// Who.
    pub email: String,
    /// What was done: `goal.add`.
    pub action: String,
    /// To what, and how.
    pub what: Value,
}

/// What whoever holds a shared link gets to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// The dashboard.
    Open(SharedSite),
    /// The question for its password.
    Password,
    /// That it is over.
    Expired,
    /// That there is no such link.
    Nothing,
}

/// The site behind a shared link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSite {
    /// Its domain.
    pub domain: Domain,
    /// Name of the segment that the link is limited to.
    pub segment: Option<String>,
    /// Shows the holder's live queries: the token for `connect`.
    pub token: String,
}
