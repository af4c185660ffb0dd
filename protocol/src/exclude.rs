//! What a site does not count: addresses, paths, hostnames and countries that its admins have listed.

use crate::id::{HostPattern, InvalidName};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// Lists of what is not counted; an event that is on any of them is dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exclusions {
    /// Where visitors come from: an office, a monitoring service.
    pub ips: Vec<IpRange>,
    /// Pages.
    pub paths: Vec<PathPattern>,
    /// Hosts of pages, though the site accepts them.
    pub hostnames: Vec<HostPattern>,
    /// Where visitors are.
    pub countries: Vec<CountryCode>,
}

impl Exclusions {
    /// Most entries of a list.
    pub const MOST: usize = 100;

    /// Whether everything is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

macro_rules! text_form {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(it: $name) -> String {
                it.to_string()
            }
        }
    };
}

/// A network or one address: `203.0.113.0/24`, `2001:db8::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IpRange {
    base: IpAddr,
    prefix: u8,
}
text_form!(IpRange);

impl IpRange {
    /// Whether this address is in it. An IPv4 address that came in IPv6 clothing is an IPv4 address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                (base.to_bits() ^ ip.to_bits()) & mask == 0
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                (base.to_bits() ^ ip.to_bits()) & mask == 0
            }
            _ => false,
        }
    }

    const fn most(base: IpAddr) -> u8 {
        if base.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for IpRange {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let bad = || {
            InvalidName(format!(
                "`{text}` is not an address or a network: write it like 203.0.113.7 or 203.0.113.0/24"
            ))
        };
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| bad())?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| bad())?,
            None => Self::most(base),
        };
        if prefix > Self::most(base) {
            return Err(bad());
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == Self::most(self.base) {
            return write!(f, "{}", self.base);
        }
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// Paths: `*` stands for any characters but `/`, `**` for any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);
text_form!(PathPattern);

impl PathPattern {
    /// Whether this path is meant.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        wildcard(self.0.as_bytes(), path.as_bytes())
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathPattern {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        let is_path = text.starts_with(['/', '*']) && text.len() <= 500;
        if is_path && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidName(format!(
            "`{}` is not a path: start it with /, such as /admin/** (* is any part of a name, ** anything)",
            text.chars().take(80).collect::<String>()
        )))
    }
}

/// One row of the usual table of pattern × text at a time: no input makes it slow, whatever its stars.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    // `reached[i]`: the pattern so far can end right before text[i].
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut at = 0;
    while at < pattern.len() {
        let mut next = vec![false; text.len() + 1];
        if pattern[at] == b'*' {
            let any = pattern.get(at + 1) == Some(&b'*');
            at += if any { 2 } else { 1 };
            let mut open = false;
            for i in 0..=text.len() {
                // Going over text[i - 1]: a lone star does not go over a slash.
                open = reached[i] || (open && (any || text[i - 1] != b'/'));
                next[i] = open;
            }
        } else {
            for i in 0..text.len() {
                next[i + 1] = reached[i] && text[i] == pattern[at];
            }
            at += 1;
        }
        reached = next;
    }
    reached[text.len()]
}

/// ISO 3166-1 alpha-2: `DE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode(String);
text_form!(CountryCode);

impl CountryCode {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CountryCode {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let code = text.trim().to_ascii_uppercase();
        if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            return Ok(Self(code));
        }
        Err(InvalidName(format!(
            "`{}` is not a country: write its two letters, such as DE",
            text.trim().chars().take(80).collect::<String>()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_networks() {
        let holds = |range: &str, ip: &str| range.parse::<IpRange>().unwrap().contains(ip.parse().unwrap());
        assert!(holds("203.0.113.0/24", "203.0.113.255") && !holds("203.0.113.0/24", "203.0.114.0"));
        assert!(holds("203.0.113.7", "203.0.113.7") && !holds("203.0.113.7", "203.0.113.8"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::"));
        assert!(holds("203.0.113.0/24", "::ffff:203.0.113.9"));
        for bad in ["203.0.113.0/33", "::/129", "office", "1.2.3", ""] {
            assert!(bad.parse::<IpRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_star_stays_within_a_name_and_two_go_on() {
        let matches = |pattern: &str, path: &str| pattern.parse::<PathPattern>().unwrap().matches(path);
        assert!(matches("/admin", "/admin") && !matches("/admin", "/admin/x"));
        assert!(matches("/blog/*", "/blog/one") && !matches("/blog/*", "/blog/one/two"));
        assert!(matches("/blog/**", "/blog/one/two") && !matches("/blog/**", "/blog"));
        assert!(matches("/*/edit", "/7/edit") && matches("**/edit", "/a/b/edit") && matches("**", "/"));
        assert!(matches("/ü*", "/über"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let stars: PathPattern = format!("/{}b", "*a".repeat(200)).parse().unwrap();
        assert!(!stars.matches(&format!("/{}", "a".repeat(2000))));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let json = r#"{"ips":["10.0.0.0/8","::1"],"paths":["/admin/**"],"hostnames":["*.test.example"],"countries":["DE"]}"#;
        let lists: Exclusions = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&lists).unwrap(), json);
        assert!(serde_json::from_str::<Exclusions>(r#"{"countries":["Germany"]}"#).is_err());
    }
}
