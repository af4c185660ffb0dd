//! `pulsecast dev DIR`: a folder as a site that reloads itself. Serves the folder's files, puts a script into its pages, and tells that script
//! over the hub what was saved. For one's own machine: no accounts, no store, nothing is counted.

mod folder;
mod inject;
mod serve;
mod watch;

pub use folder::{Folder, NoFolder};
pub use serve::router;
pub use watch::{NotWatched, watch};

use serde::Serialize;

/// The channel on which changes are told.
const CHANNEL: &str = "dev";

/// What has to be done about what was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only style sheets: they are fetched anew, the page stays.
    Style,
    /// Anything else: the page is loaded anew.
    Page,
}

impl Change {
    /// What both together need.
    #[must_use]
    fn and(self, other: Self) -> Self {
        if self == Self::Style { other } else { self }
    }
}
