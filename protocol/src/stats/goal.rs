//! What a site's owner wants to see reached: goals, funnels of them, and saved filters.

use super::Filter;
use serde::{Deserialize, Serialize};

/// Something a visitor can reach. Counted back over all history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Its number.
    pub id: i64,
    /// What it is called, one of a kind within the site.
    pub name: String,
    /// When it is reached.
    #[serde(flatten)]
    pub kind: GoalKind,
    /// ISO 4217 currency of its revenue, if it earns any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// When a goal is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "goal_type", rename_all = "snake_case")]
pub enum GoalKind {
    /// By looking at a page: `*` stands for any characters but `/`, `**` for any.
    Page {
        /// `/blog/*`
        path: String,
    },
    /// By a custom event.
    Event {
        /// `Signup`
        event: String,
        /// Properties that the event has to have, all of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        props: Vec<(String, String)>,
    },
    /// By reading a page this far.
    Scroll {
        /// As of [`GoalKind::Page`].
        path: String,
        /// In percent, 1 to 100.
        threshold: u8,
    },
}

/// Goals in the order in which they ought to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Numbers of two to eight goals.
    pub steps: Vec<i64>,
}

impl Funnel {
    /// Fewest steps.
    pub const LEAST: usize = 2;
    /// Most steps.
    pub const MOST: usize = 8;
}

/// How far visitors got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunnelResult {
    /// Distinct visitors of the range, whether they entered or not.
    pub all_visitors: u64,
    /// One a step.
    pub steps: Vec<FunnelStepResult>,
}

/// How many reached a step of a funnel, after all steps before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunnelStepResult {
    /// The goal's name.
    pub label: String,
    /// Distinct visitors who reached it.
    pub visitors: u64,
    /// Of those of the step before, in percent, two decimals; of all visitors for the first.
    pub conversion_rate: f64,
    /// How many of the step before did not come this far.
    pub dropoff: u64,
}

/// A saved filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Whether all members of the site see it, or only who made it.
    pub shared: bool,
    /// What it filters: all of these.
    pub filters: Vec<Filter>,
}
