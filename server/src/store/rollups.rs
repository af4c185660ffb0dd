//! What summing up days needs of an event store.

use super::StoreError;
use crate::event::SiteId;
use chrono::NaiveDate;
use pulsecast_protocol::Timestamp;

/// A day of a site, by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteDay {
    /// Whose.
    pub site: SiteId,
    /// Which.
    pub day: NaiveDate,
    /// When it begins.
    pub from: Timestamp,
    /// When the next one begins.
    pub to: Timestamp,
    /// When the day before began.
    pub before: Timestamp,
    /// And the one before that.
    pub long_before: Timestamp,
}

/// What came of summing up a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rolled {
    /// It is summed up.
    Done,
    /// A visit goes on that was active by its end.
    Open,
    /// Events of these days came meanwhile.
    Changed,
}

/// Sums up days. Calls block.
pub trait Rollups: Send + Sync {
    /// The days of this site that are summed up, with when they begin and end.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn rolled(&self, site: SiteId) -> Result<Vec<(NaiveDate, Timestamp, Timestamp)>, StoreError>;

    /// When each site's first visit began.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn firsts(&self) -> Result<Vec<(SiteId, Timestamp)>, StoreError>;

    /// Sums up a day, or does not where that would not hold.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    fn roll(&self, day: &SiteDay) -> Result<Rolled, StoreError>;

    /// Takes these days of a site for not summed up: its clock is another one now.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn unroll(&self, site: SiteId, days: &[NaiveDate]) -> Result<(), StoreError>;

    /// Removes sums that count for nothing any more.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn sweep(&self) -> Result<(), StoreError>;

    /// Forgets what attributes of visits were called that no day's sums name any more. Looks at all sums: not often, and never beside [`Rollups::roll`].
    ///
    /// # Errors
    /// When the store cannot be written.
    fn forget_words(&self) -> Result<(), StoreError>;
}
