//! What a page reports: Plausible's events API (<https://plausible.io/docs/events-api>), long and short keys alike.

use crate::error::FieldErrors;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Limits of one report.
pub mod limit {
    /// Bytes of the whole body.
    pub const BODY: usize = 64 * 1024;
    /// Bytes of the page's address.
    pub const URL: usize = 2000;
    /// Bytes of the event's name.
    pub const NAME: usize = 120;
    /// Custom properties.
    pub const PROPS: usize = 30;
    /// Bytes of a property's key.
    pub const PROP_KEY: usize = 300;
    /// Bytes of a property's value.
    pub const PROP_VALUE: usize = 2000;
    /// How long, in milliseconds, an event may have waited in the page's queue: one day.
    pub const AGE: i64 = 86_400_000;
}

/// The name of an event that is a page being looked at.
pub const PAGEVIEW: &str = "pageview";
/// The name of an event that only says how long and how far a page was looked at.
pub const ENGAGEMENT: &str = "engagement";

/// Money that came with an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Revenue {
    /// In units of the currency, not cents.
    pub amount: f64,
    /// ISO 4217, three capitals.
    pub currency: String,
}

/// One report, read and within limits; nothing about its meaning is settled yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Beacon {
    /// `name` or `n`: [`PAGEVIEW`], [`ENGAGEMENT`] or a custom event.
    pub name: String,
    /// `url` or `u`: the page's full address.
    pub url: String,
    /// `domain` or `d`: the sites that count it; usually one.
    pub domains: Vec<String>,
    /// `referrer` or `r`.
    pub referrer: Option<String>,
    /// `props` or `p` (`meta` or `m` as JSON text in old scripts).
    pub props: BTreeMap<String, String>,
    /// `revenue` or `$`.
    pub revenue: Option<Revenue>,
    /// `interactive` or `i`: whether a custom event keeps a visit from bouncing.
    pub interactive: bool,
    /// `sd`: how far down the page, in percent, 0–100.
    pub scroll_depth: Option<u8>,
    /// `e`: milliseconds of engaged time since the last report.
    pub engaged: Option<u32>,
    /// `h`: whether the page's fragment is part of its path.
    pub hash: bool,
    /// `v`: the script's version.
    pub version: Option<u32>,
    /// `w` or `screen_width`: CSS pixels.
    pub screen_width: Option<u32>,
    /// `a` or `age`: milliseconds it waited in the page's queue. Ours, beyond Plausible's API.
    pub age: i64,
}

impl Beacon {
    /// Reads a body, JSON whatever its content type says.
    ///
    /// # Errors
    /// Names every field that is missing, of the wrong type or over its limit.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        if body.len() > limit::BODY {
            return Err(FieldErrors::one("body", format!("is over {} bytes", limit::BODY)));
        }
        let text = std::str::from_utf8(body)
            .map_err(|e| FieldErrors::one("body", format!("is not UTF-8 (byte {})", e.valid_up_to())))?;
        let value: Value =
            serde_json::from_str(text).map_err(|e| FieldErrors::one("body", format!("is not JSON: {e}")))?;
        let Value::Object(map) = value else {
            return Err(FieldErrors::one("body", "is not a JSON object"));
        };
        Reader {
            map,
            errors: FieldErrors::default(),
        }
        .beacon()
    }

    /// A pageview of one page for one site, as the pixel reports it.
    #[must_use]
    pub fn pageview(domain: String, url: String, referrer: Option<String>) -> Self {
        Self {
            name: PAGEVIEW.to_owned(),
            url,
            domains: vec![domain],
            referrer,
            props: BTreeMap::new(),
            revenue: None,
            interactive: true,
            scroll_depth: None,
            engaged: None,
            hash: false,
            version: None,
            screen_width: None,
            age: 0,
        }
    }
}

struct Reader {
    map: Map<String, Value>,
    errors: FieldErrors,
}

impl Reader {
    fn beacon(mut self) -> Result<Beacon, FieldErrors> {
        let name = self.required("name", "n", limit::NAME);
        let url = self.required("url", "u", limit::URL);
        let domains = self.domains();
        let referrer = self.optional_text("referrer", "r");
        let props = self.props();
        let revenue = self.revenue();
        let beacon = Beacon {
            name,
            url,
            domains,
            referrer,
            props,
            revenue,
            interactive: self.flag("interactive", "i").unwrap_or(true),
            scroll_depth: self
                .number("scroll_depth", "sd", 255.0)
                .map(|n| n.min(100.0) as u8),
            engaged: self
                .number("engagement_time", "e", 86_400_000.0)
                .map(|n| n as u32),
            hash: self.flag("hash_mode", "h").unwrap_or(false),
            version: self.number("version", "v", 1e9).map(|n| n as u32),
            screen_width: self.number("screen_width", "w", 1e6).map(|n| n as u32),
            age: self.number("age", "a", limit::AGE as f64).map_or(0, |n| n as i64),
        };
        if self.errors.is_empty() {
            Ok(beacon)
        } else {
            Err(self.errors)
        }
    }

    fn take(&mut self, long: &str, short: &str) -> Option<Value> {
        let value = self.map.remove(long).or_else(|| self.map.remove(short));
        value.filter(|v| !v.is_null())
    }

    fn required(&mut self, long: &str, short: &str, max: usize) -> String {
        match self.take(long, short) {
            Some(Value::String(text)) if text.trim().is_empty() => self.errors.add(long, "is required"),
            Some(Value::String(text)) if text.len() > max => {
                self.errors.add(long, format!("is over {max} bytes"))
            }
            Some(Value::String(text)) => return text.trim().to_owned(),
            Some(_) => self.errors.add(long, "must be a string"),
            None => self.errors.add(long, "is required"),
        }
        String::new()
    }

    /// Each site once; at least one, so that no report is accepted for nobody.
    fn domains(&mut self) -> Vec<String> {
        let text = self.required("domain", "d", 4 * 253);
        let mut domains: Vec<String> = Vec::new();
        for domain in text.split(',').map(str::trim).filter(|domain| !domain.is_empty()) {
            if !domains.iter().any(|known| known == domain) {
                domains.push(domain.to_owned());
            }
        }
        if domains.is_empty() && !text.is_empty() {
            self.errors.add("domain", "is required");
        }
        domains
    }

    /// A referrer that is odd or too long is worth less than the visit: it is left out, not refused.
    fn optional_text(&mut self, long: &str, short: &str) -> Option<String> {
        match self.take(long, short)? {
            Value::String(text) if !text.is_empty() && text.len() <= limit::URL => Some(text),
            Value::String(_) => None,
            _ => {
                self.errors.add(long, "must be a string");
                None
            }
        }
    }

    fn number(&mut self, long: &str, short: &str, max: f64) -> Option<f64> {
        let number = match self.take(long, short)? {
            Value::Number(n) => n.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(n) if n.is_finite() && (0.0..=max).contains(&n) => Some(n),
            Some(_) => {
                self.errors.add(long, format!("must be between 0 and {max}"));
                None
            }
            None => {
                self.errors.add(long, "must be a number");
                None
            }
        }
    }

    fn flag(&mut self, long: &str, short: &str) -> Option<bool> {
        match self.take(long, short)? {
            Value::Bool(b) => Some(b),
            Value::Number(n) => Some(n.as_f64() != Some(0.0)),
            Value::String(text) => Some(!matches!(text.as_str(), "false" | "0" | "")),
            _ => {
                self.errors.add(long, "must be true or false");
                None
            }
        }
    }

    fn props(&mut self) -> BTreeMap<String, String> {
        let mut props = BTreeMap::new();
        let value = match self.take("props", "p").or_else(|| self.take("meta", "m")) {
            Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::Bool(false)),
            Some(value) => value,
            None => return props,
        };
        let Value::Object(map) = value else {
            self.errors.add("props", "must be an object");
            return props;
        };
        if map.len() > limit::PROPS {
            self.errors
                .add("props", format!("has more than {} properties", limit::PROPS));
            return props;
        }
        for (key, value) in map {
            if key.is_empty() || key.len() > limit::PROP_KEY {
                self.errors.add(
                    "props",
                    format!("has a key that is empty or over {} bytes", limit::PROP_KEY),
                );
                continue;
            }
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Number(n) => n.to_string(),
                Value::Bool(b) => b.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    self.errors.add(
                        "props",
                        format!("`{key}` must be a string, a number or a boolean"),
                    );
                    continue;
                }
            };
            if text.len() > limit::PROP_VALUE {
                self.errors
                    .add("props", format!("`{key}` is over {} bytes", limit::PROP_VALUE));
            } else if !text.is_empty() {
                props.insert(key, text);
            }
        }
        props
    }

    fn revenue(&mut self) -> Option<Revenue> {
        let map = match self.take("revenue", "$")? {
            Value::Object(map) => map,
            Value::String(text) => match serde_json::from_str(&text) {
                Ok(Value::Object(map)) => map,
                _ => return self.bad_revenue(),
            },
            _ => return self.bad_revenue(),
        };
        let amount = match map.get("amount") {
            Some(Value::Number(n)) => n.as_f64(),
            Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        let currency = map
            .get("currency")
            .and_then(Value::as_str)
            .map(str::to_ascii_uppercase);
        match (amount.filter(|a| a.is_finite() && a.abs() < 1e15), currency) {
            (Some(amount), Some(currency))
                if currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()) =>
            {
                Some(Revenue { amount, currency })
            }
            _ => self.bad_revenue(),
        }
    }

    fn bad_revenue(&mut self) -> Option<Revenue> {
        self.errors
            .add("revenue", "must be {\"amount\": number, \"currency\": \"EUR\"}");
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_and_short_keys_say_the_same() {
        let long = include_bytes!("../golden/beacon-long.json");
        let short = include_bytes!("../golden/beacon-short.json");
        let beacon = Beacon::parse(long).unwrap();
        assert_eq!(beacon, Beacon::parse(short).unwrap());
        assert_eq!(beacon.name, "Signup");
        assert_eq!(beacon.domains, ["example.com"]);
        assert_eq!(beacon.props.get("plan").map(String::as_str), Some("pro"));
        assert_eq!(
            beacon.revenue,
            Some(Revenue {
                amount: 29.5,
                currency: "EUR".into()
            })
        );
        assert!(!beacon.interactive && beacon.hash);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let errors = Beacon::parse(br#"{"n":"","u":5,"p":[1],"$":"x","e":-1}"#)
            .unwrap_err()
            .errors;
        let named: Vec<_> = errors.keys().map(String::as_str).collect();
        assert_eq!(
            named,
            ["domain", "engagement_time", "name", "props", "revenue", "url"]
        );
    }

    #[test]
    fn a_report_is_for_at_least_one_site_and_for_each_once() {
        let read = |d: &str| {
            Beacon::parse(format!(r#"{{"n":"pageview","u":"https://a.com/","d":"{d}"}}"#).as_bytes())
        };
        assert_eq!(read("a.com, b.com,a.com").unwrap().domains, ["a.com", "b.com"]);
        for nobody in [",", " , "] {
            assert_eq!(
                read(nobody).unwrap_err().errors["domain"],
                ["is required"],
                "{nobody}"
            );
        }
    }

    #[test]
    fn ten_thousand_levels_of_json_are_an_error_not_a_crash() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(
            Beacon::parse(deep.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("recursion limit")
        );
    }

    #[test]
    fn invalid_utf8_says_where() {
        assert!(
            Beacon::parse(b"{\"n\":\"\xff\"}")
                .unwrap_err()
                .to_string()
                .contains("byte 6")
        );
    }

    #[test]
    fn an_absurd_age_is_refused() {
        for age in ["-1", "86400001", "1e300", "\"yesterday\""] {
            let body = format!(r#"{{"n":"pageview","u":"https://a.com/","d":"a.com","a":{age}}}"#);
            assert!(
                Beacon::parse(body.as_bytes())
                    .unwrap_err()
                    .errors
                    .contains_key("age"),
                "{age}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(beacon) = Beacon::parse(&bytes) {
                prop_assert!(!beacon.name.is_empty());
            }
        }
    }
}
