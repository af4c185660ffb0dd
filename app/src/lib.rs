//! What is on the screen, rendered by the server first and taken over by the browser where something moves. ARCHITECTURE.md has the
//! map.
//!
//! Pages are rendered by the server, forms are posted to it; the browser's program is made of `islands` and what they use, and of
//! nothing else: the router, the forms and the settings are no part of it.
//!
//! The same code runs on both sides. What differs is behind doors: `platform` and `live::socket` each are one of two modules with
//! the same signatures; no other file asks which side it is on.
#![recursion_limit = "512"]

#[cfg(not(any(feature = "ssr", feature = "hydrate")))]
compile_error!("choose a side: --features ssr (server, tests) or --features hydrate (browser)");

#[cfg(feature = "ssr")]
pub mod api;
pub mod board;
pub mod components;
pub mod failure;
pub mod fns;
pub mod format;
pub mod forms;
pub mod islands;
pub mod live;
pub mod pages;
#[cfg_attr(feature = "ssr", path = "platform/server.rs")]
#[cfg_attr(not(feature = "ssr"), path = "platform/browser.rs")]
pub mod platform;
mod routes;
mod shell;

pub use routes::App;
pub use shell::shell;
