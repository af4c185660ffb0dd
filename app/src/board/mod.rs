//! The stats dashboard without its looks: what its address says, what is on it, how figures read and lines are drawn. Pure.
//!
//! Every state of the dashboard is an address, and everything that changes it is a link or a form: that is what makes the back button, a
//! shared link and a page without a program work alike. `state` is the one place that knows how such an address is written.

pub mod cards;
pub mod chart;
pub mod compare;
pub mod filters;
pub mod form;
pub mod labels;
pub mod links;
pub mod model;
pub mod page;
pub mod period;
pub mod state;
pub mod text;
pub mod words;

pub use cards::{CardId, Tab};
pub use links::Links;
pub use period::Period;
pub use state::BoardState;
