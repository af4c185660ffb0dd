//! What an event is worth knowing by: page, source, browser, place, visitor. Pure functions of their tables; no clock, no store.

pub mod agent;
pub mod bots;
pub mod channel;
pub mod city;
pub mod client;
pub mod country;
pub mod page;
pub mod region;
pub mod source;
pub mod visitor;

pub use agent::{Agent, Agents};
pub use city::Cities;
pub use country::Countries;
pub use page::Page;
pub use visitor::{Salt, Salts};
