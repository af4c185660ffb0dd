//! Which region and city an address is in, where the owner has given a database of cities: MaxMind's GeoLite2-City, DB-IP's City Lite or
//! one of ip-location-db's. Such databases are 60 to 130 MB and come with conditions of their own: none is in the binary.

use super::region;
use maxminddb::Reader;
use serde::{Deserialize, Deserializer};
use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where an address is, as far as the database knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// ISO 3166-2; the region's English name where the database has no code and the name is nobody's.
    pub region: Option<String>,
    /// Its English name.
    pub city: Option<String>,
}

/// The databases of cities, asked in turn. A cheap handle.
#[derive(Clone, Default)]
pub struct Cities(Arc<[Reader<Vec<u8>>]>);

impl fmt::Debug for Cities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.0.iter().map(|reader| &reader.metadata.database_type);
        f.debug_list().entries(kinds).finish()
    }
}

/// A file that is no such database.
#[derive(Debug, thiserror::Error)]
#[error(
    "the city database {path} cannot be read ({source}): name a file in MaxMind's format (.mmdb) with --city-database, or leave it out"
)]
pub struct CityDatabaseError {
    path: PathBuf,
    source: maxminddb::MaxMindDbError,
}

impl Cities {
    /// Reads these files into memory: a file that is replaced while the server runs harms nobody.
    ///
    /// # Errors
    /// When one is no such database.
    pub fn open(paths: &[PathBuf]) -> Result<Self, CityDatabaseError> {
        let readers: Result<Vec<_>, _> = paths.iter().map(|path| read(path)).collect();
        Ok(Self(readers?.into()))
    }

    /// Whether there is none: regions and cities stay unknown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where an address is.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> Place {
        let ip = ip.to_canonical();
        // A database of the other address family answers with an error.
        let row = self
            .0
            .iter()
            .find_map(|reader| reader.lookup::<Row>(ip).ok().flatten());
        row.map_or_else(Place::default, Row::place)
    }
}

fn read(path: &Path) -> Result<Reader<Vec<u8>>, CityDatabaseError> {
    Reader::open_readfile(path).map_err(|source| CityDatabaseError {
        path: path.to_owned(),
        source,
    })
}

/// MaxMind and DB-IP nest and name in several languages; ip-location-db has flat columns.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    country: Option<Country>,
    country_code: Option<String>,
    subdivisions: Vec<Subdivision>,
    state1: Option<String>,
    #[serde(deserialize_with = "text_or_named")]
    city: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Country {
    iso_code: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subdivision {
    iso_code: Option<String>,
    names: Names,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    en: Option<String>,
}

fn text_or_named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum City {
        Text(String),
        Named { names: Names },
    }
    Ok(match City::deserialize(deserializer)? {
        City::Text(text) => Some(text),
        City::Named { names } => names.en,
    })
}

impl Row {
    fn place(self) -> Place {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let country = filled(
            self.country
                .and_then(|country| country.iso_code)
                .or(self.country_code),
        )
        .map(|code| code.to_ascii_uppercase());
        let (code, name) = match self.subdivisions.into_iter().next() {
            Some(first) => (filled(first.iso_code), filled(first.names.en)),
            None => (None, filled(self.state1)),
        };
        let home = country.as_deref().unwrap_or_default();
        let region = match (code, name) {
            (Some(code), _) => Some(format!("{home}-{code}")),
            (None, Some(name)) => Some(region::code(home, &name).map_or(name, str::to_owned)),
            (None, None) => None,
        };
        Place {
            region,
            city: filled(self.city),
            country,
        }
    }
}

#[cfg(test)]
#[path = "city_tests.rs"]
mod tests;
