//! The table in ARCHITECTURE.md is true: no module uses another that its row does not name, and none above its own row.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const LAYERS: [&str; 7] = ["entry", "edge", "transport", "service", "adapter", "core", "base"];

struct Row {
    layer: usize,
    uses: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn table() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let line = Regex::new(r"(?m)^\| (\w+) \| `(\w+)` \| .*? \| ([^|]*)\|$").unwrap();
    line.captures_iter(&text)
        .map(|c| {
            let layer = LAYERS
                .iter()
                .position(|l| *l == &c[1])
                .unwrap_or_else(|| panic!("no layer {}", &c[1]));
            let uses = c[3]
                .split(',')
                .map(|m| m.trim().to_owned())
                .filter(|m| !m.is_empty())
                .collect();
            (c[2].to_owned(), Row { layer, uses })
        })
        .collect()
}

/// Source files below a folder, without those that hold tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            files.extend(sources(&path));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "fixture.rs" {
            files.push(path);
        }
    }
    files
}

/// A file's code without its unit tests and comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Top-level modules that a text names behind `crate::`, in `use crate::{a::…, b}` too.
fn used(text: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            modules.insert(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
            continue;
        };
        let (mut depth, mut word) = (0, String::new());
        let mut starts = true;
        for c in group.chars() {
            if depth == 0 && starts && (c.is_alphanumeric() || c == '_') {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                modules.insert(std::mem::take(&mut word));
                starts = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ => {}
            }
        }
        if !word.is_empty() {
            modules.insert(word);
        }
    }
    modules
}

fn module_of(file: &Path, src: &Path) -> String {
    let first = file.strip_prefix(src).unwrap().components().next().unwrap();
    first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let (table, src) = (table(), root().join("server/src"));
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in sources(&src) {
        let module = module_of(&file, &src);
        if module == "lib" || module == "main" {
            continue;
        }
        let Some(row) = table.get(&module) else {
            wrong.push(format!("`{module}` has no row"));
            continue;
        };
        seen.insert(module.clone());
        for other in used(&code(&file)).into_iter().filter(|other| *other != module) {
            if !row.uses.contains(&other) {
                wrong.push(format!(
                    "{} uses `{other}`, which `{module}` may not",
                    file.display()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "not in ARCHITECTURE.md's table:\n{}",
        wrong.join("\n")
    );
    let gone: Vec<_> = table.keys().filter(|module| !seen.contains(*module)).collect();
    assert!(gone.is_empty(), "rows without a module: {gone:?}");
}

#[test]
fn the_table_points_downward() {
    let table = table();
    assert!(table.len() > 15, "the table was not read: {} rows", table.len());
    for (module, row) in &table {
        for other in &row.uses {
            let below = table
                .get(other)
                .unwrap_or_else(|| panic!("`{module}` uses `{other}`, which has no row"));
            assert!(
                below.layer >= row.layer,
                "`{module}` may not use `{other}`: it is above"
            );
        }
    }
}

#[test]
fn sql_is_in_the_store_and_in_stats_alone_and_engines_are_the_stores() {
    let src = root().join("server/src");
    let engine = Regex::new(r"\b(sqlx|rusqlite|duckdb)::").unwrap();
    let sql =
        Regex::new(r"(?i)\b(select|insert into|delete from|update) [a-z_*, ]+ (from|values|set|where) ")
            .unwrap();
    for file in sources(&src).into_iter().chain(sources(&root().join("app/src"))) {
        let is_in = |folder| {
            file.strip_prefix(&src)
                .is_ok_and(|inner| inner.starts_with(folder))
        };
        if is_in("store") {
            continue;
        }
        let code = code(&file);
        let found = engine.find(&code).map(|m| m.as_str().to_owned());
        assert_eq!(found, None, "{}", file.display());
        if !is_in("stats") {
            let found = sql.find(&code).map(|m| m.as_str().to_owned());
            assert_eq!(found, None, "{}", file.display());
        }
    }
}

#[test]
fn the_hub_knows_no_analytics_word() {
    let words = Regex::new(r"(?i)\b(visit|visitor|pageview|site|domain|country|browser|beacon)s?\b").unwrap();
    for file in sources(&root().join("server/src/hub")) {
        let found = words.find(&code(&file)).map(|m| m.as_str().to_owned());
        assert_eq!(found, None, "{}", file.display());
    }
}

/// Leptos writes the text inside a `<textarea>` as it is: see `app/src/components/field.rs`.
#[test]
fn what_was_typed_goes_into_text_areas_escaped() {
    let area = Regex::new(r"(?s)<textarea\b.*?</textarea>").unwrap();
    let mut seen = 0;
    for file in sources(&root().join("app/src/pages")) {
        for found in area.find_iter(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let inside = found.as_str().rsplit_once('>').unwrap().0;
            assert!(
                inside.contains("{area("),
                "{}: {}",
                file.display(),
                found.as_str()
            );
        }
    }
    assert!(seen > 4, "the text areas are gone: {seen}");
}

#[test]
fn reading_use_lines_sees_every_module() {
    let text = "use crate::{a::{b, c}, d, e::f::{g}};\nuse crate::h::i;\nlet x = crate::j::k();";
    let expected: BTreeSet<String> = ["a", "d", "e", "h", "j"].map(str::to_owned).into();
    assert_eq!(used(text), expected);
}
