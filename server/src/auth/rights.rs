//! What each role may: the one table. Pages, server functions and programs' routes all ask here.

use crate::sites::{AccountId, Role, Site, Sites};
use pulsecast_protocol::Domain;
use std::sync::Arc;

/// What somebody wants to do with a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Look at its figures, save filters for oneself, leave.
    See,
    /// Change its goals, funnels and shared segments.
    EditGoals,
    /// Publish to its visitors.
    EditFeed,
    /// Change its settings, members, keys and links; import, export raw events, delete data; read the audit trail.
    Manage,
    /// Remove it, make others owners, take owners their role.
    Own,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::See,
        Self::EditGoals,
        Self::EditFeed,
        Self::Manage,
        Self::Own,
    ];

    /// The least role that has it.
    #[must_use]
    pub const fn least(self) -> Role {
        match self {
            Self::See => Role::Viewer,
            Self::EditGoals | Self::EditFeed => Role::Editor,
            Self::Manage => Role::Admin,
            Self::Own => Role::Owner,
        }
    }
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is none, or none that the asker may know of.
    #[error("there is no site {0} among yours")]
    NoSuchSite(String),
    /// It takes more than the asker is.
    #[error("only {who} of the site may do this: ask one", who = one_or_more(*.0))]
    Needs(Role),
}

fn one_or_more(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a member",
        Role::Editor => "an editor, admin or owner",
        Role::Admin => "an admin or owner",
        Role::Owner => "an owner",
    }
}

/// Whether this account may do this with this site. Strangers learn no more than that the site is not theirs.
///
/// # Errors
/// See [`Denied`].
pub fn may(site: &Site, account: AccountId, right: Right) -> Result<Role, Denied> {
    match site.role(account) {
        None => Err(Denied::NoSuchSite(site.settings.domain.to_string())),
        Some(role) if role < right.least() => Err(Denied::Needs(right.least())),
        Some(role) => Ok(role),
    }
}

/// The site of this domain, for an account that may do this with it.
///
/// # Errors
/// See [`Denied`].
pub fn site_for(
    sites: &Sites,
    domain: &Domain,
    account: AccountId,
    right: Right,
) -> Result<Arc<Site>, Denied> {
    let site = sites
        .get(domain)
        .ok_or_else(|| Denied::NoSuchSite(domain.to_string()))?;
    may(&site, account, right)?;
    Ok(site)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SiteId;
    use pulsecast_protocol::account::SiteSettings;

    #[test]
    fn each_role_may_what_the_table_says() {
        let table = [
            (Role::Viewer, [true, false, false, false, false]),
            (Role::Editor, [true, true, true, false, false]),
            (Role::Admin, [true, true, true, true, false]),
            (Role::Owner, [true, true, true, true, true]),
        ];
        for (role, expected) in table {
            let site = Site::new(SiteId(1), SiteSettings::new("example.com".parse().unwrap()))
                .with_member(AccountId(1), role);
            let allowed = Right::ALL.map(|right| may(&site, AccountId(1), right).is_ok());
            assert_eq!(allowed, expected, "{role}");
            assert!(
                Right::ALL
                    .iter()
                    .all(|right| { matches!(may(&site, AccountId(2), *right), Err(Denied::NoSuchSite(_))) })
            );
        }
    }
}
