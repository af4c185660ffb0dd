//! What can be asked of a site's history, and what is answered: Plausible's Stats API v2 as types. What each figure means is written in
//! `docs/metrics.md`; the server parses requests (`stats::parse`) and answers them (`stats`).

pub mod dimension;
pub mod filter;
mod filter_read;
pub mod goal;
pub mod live;
pub mod metric;
pub mod query;
pub mod range;
pub mod result;
pub mod retention;

pub use dimension::{Dimension, TimeUnit};
pub use filter::{Condition, Filter, Operator, Subject};
pub use goal::{Funnel, FunnelResult, FunnelStepResult, Goal, GoalKind, Segment};
pub use live::{LiveResult, LiveRow};
pub use metric::Metric;
pub use query::{Comparison, ComparisonMode, Direction, Include, OrderBy, OrderKey, Pagination, Query};
pub use range::DateRange;
pub use result::{ComparedRow, Meta, MetricValue, QueryResult, ResultRow};
pub use retention::{Cohort, CohortUnit, Cohorts, Returns};
