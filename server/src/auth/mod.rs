//! Who are you, what may you, from which origin. Knows no HTTP beyond header values; the edge asks and turns answers into responses.

pub mod gate;
pub mod invitation;
pub mod key;
pub mod limit;
pub mod link;
pub mod login;
pub mod origin;
pub mod password;
pub mod rights;
pub mod secret;
pub mod session;
pub mod setup;
pub mod token;
pub mod trail;
pub mod visitor;

use crate::{clock::SharedClock, store::accounts::Accounts};
use std::sync::Arc;

pub use gate::MemberGate;
pub use key::Keys;
pub use limit::LoginLimits;
pub use origin::OwnOrigin;
pub use password::Passwords;
pub use session::Sessions;
pub use token::Tokens;
pub use visitor::Visitors;

/// Everything that signing in needs. A cheap handle.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Who there is.
    pub accounts: Arc<dyn Accounts>,
    /// How passwords are kept.
    pub passwords: Passwords,
    /// How often one may try.
    pub limits: LoginLimits,
    /// API keys.
    pub keys: Keys,
    /// Connection tokens of members.
    pub tokens: Tokens,
    /// Which origin is ours.
    pub own: OwnOrigin,
    /// What time it is.
    pub clock: SharedClock,
}
