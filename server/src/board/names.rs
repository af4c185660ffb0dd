//! What stored values are called: countries, regions, screens.

use crate::enrich::{country, region};
use pulsecast_app::board::{BoardState, filters::Clause};
use pulsecast_protocol::stats::Dimension;
use std::collections::BTreeMap;

const SCREENS: [(&str, &str); 6] = [
    ("xs", "Below 640 px"),
    ("sm", "640 – 767 px"),
    ("md", "768 – 1023 px"),
    ("lg", "1024 – 1279 px"),
    ("xl", "1280 – 1535 px"),
    ("2xl", "1536 px and wider"),
];

/// ISO 639-1, the languages of browsers.
const LANGUAGES: [(&str, &str); 50] = [
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("eu", "Basque"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("gl", "Galician"),
    ("gu", "Gujarati"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("is", "Icelandic"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("kn", "Kannada"),
    ("ko", "Korean"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("ml", "Malayalam"),
    ("mr", "Marathi"),
    ("ms", "Malay"),
    ("nb", "Norwegian"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sr", "Serbian"),
    ("sv", "Swedish"),
    ("ta", "Tamil"),
    ("te", "Telugu"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// What a value is called, where that differs from the value.
pub(super) fn of(dimension: &Dimension, value: &str) -> Option<String> {
    let listed = |list: &[(&str, &str)]| {
        list.iter()
            .find(|(code, _)| *code == value)
            .map(|(_, name)| (*name).to_owned())
    };
    match dimension {
        Dimension::Country => country::name(value).map(str::to_owned),
        Dimension::Region => region::name(value).map(str::to_owned),
        Dimension::Screen => listed(&SCREENS),
        Dimension::Language => listed(&LANGUAGES),
        _ => None,
    }
}

/// The values whose names contain a text; `None` where values are their own names.
pub(super) fn codes(dimension: &Dimension, text: &str) -> Option<Vec<String>> {
    let text = text.to_lowercase();
    let fits =
        |(code, name): &(&str, &str)| name.to_lowercase().contains(&text) || code.to_lowercase() == text;
    let codes = |list: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
        let mut codes: Vec<String> = list
            .filter(fits)
            .map(|(code, _)| code.to_owned())
            .take(1000)
            .collect();
        // A filter needs a value: one that nothing has.
        if codes.is_empty() {
            codes.push("?".to_owned());
        }
        codes
    };
    Some(match dimension {
        Dimension::Country => codes(&mut country::all()),
        Dimension::Region => codes(&mut region::all()),
        Dimension::Screen => codes(&mut SCREENS.into_iter()),
        Dimension::Language => codes(&mut LANGUAGES.into_iter()),
        _ => return None,
    })
}

/// The names of what the filters name.
pub(super) fn of_filters(state: &BoardState) -> BTreeMap<String, String> {
    let atoms = state.clauses.iter().flat_map(|Clause(atoms)| atoms);
    let named = atoms.flat_map(|atom| {
        atom.values
            .iter()
            .filter_map(|value| Some((value.clone(), of(&atom.dimension, value)?)))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_found_by_its_name_and_by_its_code() {
        assert_eq!(codes(&Dimension::Country, "germ"), Some(vec!["DE".to_owned()]));
        assert!(
            codes(&Dimension::Country, "de")
                .unwrap()
                .contains(&"DE".to_owned())
        );
        assert_eq!(codes(&Dimension::Country, "atlantis"), Some(vec!["?".to_owned()]));
        assert_eq!(codes(&Dimension::Page, "de"), None);
    }

    #[test]
    fn what_is_its_own_name_has_no_other() {
        assert_eq!(of(&Dimension::Page, "/de"), None);
        assert_eq!(of(&Dimension::Region, "DE-BE").as_deref(), Some("Berlin"));
    }
}
