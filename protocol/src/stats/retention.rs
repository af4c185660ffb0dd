//! Who comes back, as far as that can be known. A visitor's hash lives for a day: across days only a name that the site itself sends along as
//! a property of its events links anything.

use serde::{Deserialize, Serialize};

/// How long a cohort's steps are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CohortUnit {
    /// By day.
    Day,
    /// By week, from Monday on.
    #[default]
    Week,
}

/// Returns within the day of a visitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// Visitors who came once, twice … and, in the last place, more often than that.
    pub visits: Vec<u64>,
    /// Returns by the time since the end of the visit before: up to each of [`Returns::HOURS`] hours, then later than that.
    pub gaps: Vec<u64>,
}

impl Returns {
    /// Places of [`Returns::visits`].
    pub const VISITS: usize = 5;
    /// Ends of the classes of [`Returns::gaps`] but the last.
    pub const HOURS: [u32; 4] = [1, 2, 4, 8];
}

/// People by when they were first seen within the range, and how many of them were seen again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohorts {
    /// The oldest first.
    pub rows: Vec<Cohort>,
}

/// Those who were first seen in one bucket of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The bucket's first day.
    pub label: String,
    /// How many were seen in it, in the bucket after it, and so on to the end of the range.
    pub seen: Vec<u64>,
}
