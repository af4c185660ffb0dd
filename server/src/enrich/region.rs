//! What regions are called: ISO 3166-2 codes and names, as the regions write themselves.

const NAMES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/regions.rs"));

/// Name of a region by its ISO 3166-2 code: `Berlin` of `DE-BE`.
#[must_use]
pub fn name(code: &str) -> Option<&'static str> {
    NAMES
        .binary_search_by_key(&code, |(code, _)| code)
        .ok()
        .map(|at| NAMES[at].1)
}

/// Code of a region by its name, for databases of places that have names only. English names that differ from the region's own
/// (`Bavaria`) are not found.
#[must_use]
pub fn code(country: &str, name: &str) -> Option<&'static str> {
    let prefix = format!("{country}-");
    let first = NAMES.partition_point(|(code, _)| *code < prefix.as_str());
    let name = name.to_lowercase();
    NAMES[first..]
        .iter()
        .take_while(|(code, _)| code.starts_with(&prefix))
        .find(|(_, known)| known.to_lowercase() == name)
        .map(|(code, _)| *code)
}

/// All codes and names, by code.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_names_and_names_have_codes() {
        assert_eq!(
            ["DE-BE", "US-CA", "GB-ENG", "DE", "ZZ-9"].map(name),
            [Some("Berlin"), Some("California"), Some("England"), None, None]
        );
        assert_eq!(code("US", "california"), Some("US-CA"));
        assert_eq!((code("DE", "California"), code("", "Berlin")), (None, None));
    }
}
