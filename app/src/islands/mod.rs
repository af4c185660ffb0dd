//! What the browser takes over of a page: each island owns what moves in it and the connection that moves it. A page has at most one
//! that is connected. Islands are given data, never fetch it.

pub mod details;
mod follow;
pub mod funnel;
pub mod keys;
pub mod live_site;
pub mod site_list;
pub mod snippet;
pub mod stats_board;
pub mod zone;
