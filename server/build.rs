//! Gathers what is embedded in the binary: the visitors' scripts, the bot lists; and tells the linker where DuckDB will be.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script is configured by its environment"
)]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=migrations");
    rpath();
    scripts(&root.join("tracker"), &out)?;
    isbot(&root.join("node_modules/isbot/index.mjs"), &out)?;
    crawlers(
        &root.join("node_modules/crawler-user-agents/crawler-user-agents.json"),
        &out,
    )?;
    countries(&root.join("node_modules/i18n-iso-countries/langs/en.json"), &out)?;
    regions(&root.join("server/data/regions.tsv"), &out)?;
    copy(
        &root.join("node_modules/uap-core/regexes.yaml"),
        &out.join("user-agents.yaml"),
    )?;
    copy(
        &root.join("node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"),
        &out.join("country.mmdb"),
    )
}

/// The binary finds `libduckdb.so` beside itself (`make dist`), else where it was built with (development).
fn rpath() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let here = if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        "@loader_path"
    } else {
        "$ORIGIN"
    };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{here}");
    if let Ok(dir) = env::var("DUCKDB_LIB_DIR") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{dir}");
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", from.display());
    fs::copy(from, to).map_err(|e| format!("{}: {e}; run `make setup` first", from.display()))?;
    Ok(())
}

/// Minified where `scripts/build-tracker` has run, else as written.
fn scripts(tracker: &Path, out: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", tracker.join("dist").display());
    for name in ["pulse.js", "live.js", "counter.js"] {
        let minified = tracker.join("dist").join(name);
        let source = if minified.exists() {
            minified
        } else {
            tracker.join(name)
        };
        copy(&source, &out.join(name))?;
    }
    Ok(())
}

/// isbot's patterns are the first array of its module.
fn isbot(module: &Path, out: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", module.display());
    let text = fs::read_to_string(module)
        .map_err(|e| format!("{}: {e}; run `make setup` first", module.display()))?;
    let start = text.find("= [").ok_or("isbot: no pattern array")? + 2;
    let end = start
        + text[start..]
            .find("];")
            .ok_or("isbot: pattern array does not end")?;
    let patterns: Vec<String> = serde_json::from_str(&format!("{}]", &text[start..end]))?;
    if patterns.len() < 50 {
        return Err(format!("isbot: {} patterns are too few to be the list", patterns.len()).into());
    }
    Ok(fs::write(
        out.join("isbot.json"),
        serde_json::to_string(&patterns)?,
    )?)
}

/// Of the crawlers' list only the patterns; the examples would be half a megabyte in the binary.
fn crawlers(list: &Path, out: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", list.display());
    let text =
        fs::read_to_string(list).map_err(|e| format!("{}: {e}; run `make setup` first", list.display()))?;
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text)?;
    let patterns: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["pattern"].as_str())
        .collect();
    Ok(fs::write(
        out.join("crawlers.json"),
        serde_json::to_string(&patterns)?,
    )?)
}

/// ISO 3166-2 codes with names, sorted by code as they stand, as a Rust array.
fn regions(list: &Path, out: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", list.display());
    let text = fs::read_to_string(list)?;
    let rows: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    Ok(fs::write(out.join("regions.rs"), format!("&{rows:?}"))?)
}

/// ISO 3166-1 codes with English names, sorted by code, as a Rust array.
fn countries(list: &Path, out: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", list.display());
    let text =
        fs::read_to_string(list).map_err(|e| format!("{}: {e}; run `make setup` first", list.display()))?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    let names = value["countries"]
        .as_object()
        .ok_or("i18n-iso-countries: no `countries`")?;
    let mut rows: Vec<(&str, &str)> = names
        .iter()
        .filter_map(|(code, name)| {
            let name = name.as_str().or_else(|| {
                name.as_array()?
                    .get(usize::from(code == "US" || code == "RU"))?
                    .as_str()
            })?;
            Some((code.as_str(), name))
        })
        .collect();
    rows.sort_unstable();
    Ok(fs::write(out.join("countries.rs"), format!("&{rows:?}"))?)
}
