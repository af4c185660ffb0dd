//! The pages: each owns what it fetches and how its parts are put together.

pub mod account;
pub mod board;
pub mod feed;
pub mod funnels;
pub mod import;
pub mod invitation;
pub mod keys;
pub mod layout;
pub mod live;
pub mod login;
pub mod new_site;
pub mod not_found;
pub mod retention;
pub mod settings;
pub mod setup;
pub mod share;
mod site_page;
pub mod sites;
mod stats_page;
