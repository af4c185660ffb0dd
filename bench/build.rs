//! The program finds `libduckdb.so` where it was built with; it is never shipped.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script is configured by its environment"
)]

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if let Ok(dir) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
