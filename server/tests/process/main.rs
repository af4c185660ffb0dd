//! The program as its operator meets it: the real binary on a free port, its files, its end.

mod bad_input;
mod command_line;
mod durability;
mod failures;
mod program;
