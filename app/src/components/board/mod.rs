//! The parts of the stats dashboard. `strip`, `graph`, `card`, `row`, `change` and `map` move and are part of the browser's program; the others are rendered by
//! the server, and every one of their controls is a link or a form.

pub mod card;
pub mod change;
pub mod details;
pub mod dialog;
pub mod filters;
pub mod graph;
pub mod help;
pub mod map;
pub mod menu;
pub mod periods;
pub mod retention;
pub mod row;
pub mod strip;
pub mod toolbar;
