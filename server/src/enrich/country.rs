//! Which country an address is in, and what it is called.

use maxminddb::Reader;
use serde::Deserialize;
use std::{fmt, net::IpAddr, sync::Arc};

/// The embedded CC0 country database. A cheap handle.
#[derive(Clone)]
pub struct Countries(Arc<Reader<&'static [u8]>>);

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Countries")
            .field("built", &self.0.metadata.build_epoch)
            .finish()
    }
}

#[derive(Deserialize)]
struct Row<'a> {
    country_code: &'a str,
}

impl Countries {
    /// The database that came with this binary.
    ///
    /// # Errors
    /// When it cannot be read: a fault of the build.
    pub fn embedded() -> Result<Self, maxminddb::MaxMindDbError> {
        Ok(Self(Arc::new(Reader::from_source(
            include_bytes!(concat!(env!("OUT_DIR"), "/country.mmdb")).as_slice(),
        )?)))
    }

    /// ISO 3166-1 alpha-2 code of the country that the address is registered in; `None` for private and unknown ones.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> Option<String> {
        let row: Row<'_> = self.0.lookup(ip.to_canonical()).ok().flatten()?;
        (row.country_code.len() == 2).then(|| row.country_code.to_ascii_uppercase())
    }
}

const NAMES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/countries.rs"));

/// English name of a country by its ISO 3166-1 alpha-2 code.
#[must_use]
pub fn name(code: &str) -> Option<&'static str> {
    NAMES
        .binary_search_by_key(&code, |(code, _)| code)
        .ok()
        .map(|at| NAMES[at].1)
}

/// All codes and names, by code.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_addresses_are_where_they_are() {
        let countries = Countries::embedded().unwrap();
        assert_eq!(countries.of("8.8.8.8".parse().unwrap()).as_deref(), Some("US"));
        assert_eq!(
            countries.of("::ffff:8.8.8.8".parse().unwrap()).as_deref(),
            Some("US")
        );
        assert_eq!(countries.of("127.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn countries_have_the_names_people_use() {
        assert_eq!(
            ["DE", "US", "RU", "GB", "ZZ"].map(name),
            [
                Some("Germany"),
                Some("United States"),
                Some("Russia"),
                Some("United Kingdom"),
                None
            ]
        );
    }
}
