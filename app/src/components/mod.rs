//! What the pages are made of: signals in, callbacks out. A component fetches nothing.

pub mod board;
pub mod brand;
pub mod field;
pub mod figure;
pub mod form_parts;
pub mod minutes_chart;
pub mod offline;
pub mod online_count;
pub mod problem;
pub mod settings_nav;
pub mod site_card;
pub mod site_head;
pub mod snippet;
pub mod sparkline;
pub mod status_pill;
pub mod stream;
pub mod stream_row;
pub mod time;
pub mod top_list;
pub mod tracker;
pub mod waiting;
pub mod world_map;
pub mod zones;

pub use online_count::OnlineCount;
pub use tracker::Tracker;

/// Whether this is the site whose pages the server itself shows at `/demo`.
pub(crate) fn is_demo(domain: &pulsecast_protocol::Domain) -> bool {
    domain.as_str() == "demo"
}
