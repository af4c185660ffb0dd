//! What stored values are called (countries, regions, screens, languages), and which ones a name means.

use crate::enrich::{country, region};
use pulsecast_app::board::{
    BoardState,
    filters::{Atom, Case, Clause, MOST, Op},
    page::Names,
};
use pulsecast_protocol::stats::{Dimension, Operator};
use regex::RegexBuilder;

/// Conditions of a state whose names are looked up.
pub(super) const NAMED: usize = 20;
/// What no visit has.
const NOWHERE: &str = "?";

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

/// Whether values of a dimension are called otherwise than they are stored.
pub(super) fn has_names(dimension: &Dimension) -> bool {
    all(dimension).is_some()
}

/// All codes and names of a dimension; `None` where values are their own names.
fn all(dimension: &Dimension) -> Option<Box<dyn Iterator<Item = (&'static str, &'static str)>>> {
    Some(match dimension {
        Dimension::Country => Box::new(country::all()),
        Dimension::Region => Box::new(region::all()),
        Dimension::Screen => Box::new(SCREENS.into_iter()),
        Dimension::Language => Box::new(LANGUAGES.into_iter()),
        _ => return None,
    })
}

/// The codes for which this is so, in order; `None` where values are their own names.
fn codes_of(dimension: &Dimension, is_meant: impl Fn(&str, &str) -> bool) -> Option<Vec<String>> {
    let meant = all(dimension)?.filter(|(code, name)| is_meant(code, name));
    Some(meant.map(|(code, _)| code.to_owned()).collect())
}

/// The values whose names contain a text; `None` where values are their own names.
pub(super) fn codes(dimension: &Dimension, text: &str) -> Option<Vec<String>> {
    let text = text.to_lowercase();
    let found = codes_of(dimension, |code, name| {
        name.to_lowercase().contains(&text) || code.to_lowercase() == text
    });
    found.map(or_none)
}

/// A filter needs a value: one that nothing has.
fn or_none(mut codes: Vec<String>) -> Vec<String> {
    if codes.is_empty() {
        codes.push(NOWHERE.to_owned());
    }
    codes
}

/// A state with names that were typed where values are codes as these codes, where a few are meant; the others are understood when they are
/// asked about.
pub(super) fn coded(mut state: BoardState) -> BoardState {
    let atoms = state.clauses.iter_mut().flat_map(|Clause(atoms)| atoms);
    let named = atoms.filter(|atom| has_names(&atom.dimension));
    for atom in named.take(NAMED) {
        if atom.op.is_equal()
            && let Some(codes) = meant(atom).ok().flatten()
            && (1..=MOST).contains(&codes.len())
        {
            atom.values = codes;
        }
    }
    state
}

/// What a condition asks of what is stored: one on names asks for the codes that are called so. The expression that is none otherwise.
pub(super) fn resolved(atom: &Atom) -> Result<Atom, String> {
    let Some(codes) = meant(atom)? else {
        return Ok(atom.clone());
    };
    let is_not = matches!(atom.op, Op::Of(operator) if operator.is_negated());
    Ok(Atom {
        op: Op::Of(if is_not { Operator::IsNot } else { Operator::Is }),
        dimension: atom.dimension.clone(),
        values: or_none(codes),
        case: Case::Usual,
    })
}

/// The codes that a condition means; `None` where values are their own names. A value that is a code means what has it.
fn meant(atom: &Atom) -> Result<Option<Vec<String>>, String> {
    let Op::Of(operator) = atom.op else {
        return Ok(None);
    };
    // Names are written as they are in lists, and typed as they are remembered.
    let exact = atom.case == Case::Matters;
    let folded = |text: &str| match exact {
        true => text.to_owned(),
        false => text.to_lowercase(),
    };
    let mut codes: Vec<String> = Vec::new();
    for value in &atom.values {
        let wanted = folded(value);
        let found = match operator {
            _ if of(&atom.dimension, value).is_some() || *value == atom.dimension.none_label() => {
                all(&atom.dimension).map(|_| vec![value.clone()])
            }
            Operator::Is | Operator::IsNot => codes_of(&atom.dimension, |_, name| folded(name) == wanted)
                // A language without a name here is known by its code.
                .map(|found| {
                    if found.is_empty() {
                        vec![value.clone()]
                    } else {
                        found
                    }
                }),
            Operator::Contains | Operator::ContainsNot => {
                codes_of(&atom.dimension, |_, name| folded(name).contains(&wanted))
            }
            Operator::Matches | Operator::MatchesNot => {
                if all(&atom.dimension).is_none() {
                    return Ok(None);
                }
                let expression = RegexBuilder::new(value)
                    .case_insensitive(atom.case == Case::Ignored)
                    .size_limit(1 << 20)
                    .build();
                let expression = expression.map_err(|_| value.clone())?;
                codes_of(&atom.dimension, |_, name| expression.is_match(name))
            }
        };
        let Some(found) = found else {
            return Ok(None);
        };
        codes.extend(found);
    }
    codes.sort();
    codes.dedup();
    Ok(Some(codes))
}

/// The names of what the filters name.
pub(super) fn of_filters(state: &BoardState) -> Names {
    let atoms = state.clauses.iter().flat_map(|Clause(atoms)| atoms);
    let named = atoms.flat_map(|atom| {
        atom.values.iter().filter_map(|value| {
            let name = of(&atom.dimension, value)?;
            Some((atom.dimension.clone(), value.clone(), name))
        })
    });
    Names(named.collect())
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

    fn asked(filter: &str) -> String {
        let Clause(atoms) = Clause::read(filter).unwrap();
        let json = atoms
            .iter()
            .map(|atom| resolved(atom).map(|atom| atom.filter()))
            .collect::<Result<Vec<_>, _>>();
        serde_json::to_string(&json.unwrap()).unwrap()
    }

    #[test]
    fn what_people_type_is_a_name_and_what_is_asked_for_are_codes() {
        for (typed, query) in [
            ("is,country,Germany", r#"[["is","visit:country",["DE"]]]"#),
            ("is,country,germany,FR", r#"[["is","visit:country",["DE","FR"]]]"#),
            ("is_not,country,Germany", r#"[["is_not","visit:country",["DE"]]]"#),
            ("contains,country,Germ", r#"[["is","visit:country",["DE"]]]"#),
            (
                "contains_not,country,germ",
                r#"[["is_not","visit:country",["DE"]]]"#,
            ),
            ("matches,country,^Ger", r#"[["is","visit:country",["DE"]]]"#),
            ("matches,country,^ger", r#"[["is","visit:country",["?"]]]"#),
            ("matches:any,country,^ger", r#"[["is","visit:country",["DE"]]]"#),
            (
                "matches_not,country,^Ger",
                r#"[["is_not","visit:country",["DE"]]]"#,
            ),
            ("contains:case,country,germ", r#"[["is","visit:country",["?"]]]"#),
            ("contains,country,atlantis", r#"[["is","visit:country",["?"]]]"#),
            (
                "is,country,(not set)",
                r#"[["is","visit:country",["(not set)"]]]"#,
            ),
            // What was chosen from the list is a code, whatever is done with it.
            ("contains,country,DE", r#"[["is","visit:country",["DE"]]]"#),
            ("is,region,Berlin", r#"[["is","visit:region",["DE-BE"]]]"#),
            ("is,screen,Below 640 px", r#"[["is","visit:screen",["xs"]]]"#),
            ("contains,language,germ", r#"[["is","visit:language",["de"]]]"#),
            ("is,language,sw", r#"[["is","visit:language",["sw"]]]"#),
            // What is its own name stays as it was.
            ("matches,page,^/a", r#"[["matches","event:page",["^/a"]]]"#),
            ("done,page,/a", r#"[["has_done",["is","event:page",["/a"]]]]"#),
        ] {
            assert_eq!(asked(typed), query, "{typed}");
        }
        assert!(resolved(&Clause::read("matches,country,(").unwrap().0[0]).is_err());
    }

    #[test]
    fn of_regions_none_that_is_meant_is_left_out() {
        let all: Vec<String> = region::all()
            .filter(|(_, name)| name.to_lowercase().contains('a'))
            .map(|(code, _)| code.to_owned())
            .collect();
        assert!(all.len() > 3000);
        let codes = codes(&Dimension::Region, "a").unwrap();
        assert!(all.iter().all(|code| codes.contains(code)));
        let atom = resolved(&Clause::read("contains,region,a").unwrap().0[0]).unwrap();
        assert!(all.iter().all(|code| atom.values.contains(code)));
    }

    #[test]
    fn the_address_keeps_codes_where_a_name_means_a_few() {
        let coded = |search| coded(BoardState::parse(search).0).search();
        assert_eq!(
            coded("?f=is,country,Germany;contains,country,Germ"),
            "?f=is,country,DE;contains,country,Germ"
        );
        assert_eq!(coded("?f=is,country,Atlantis"), "?f=is,country,Atlantis");
        assert_eq!(coded("?f=is,page,/DE"), "?f=is,page,/DE");
    }

    #[test]
    fn a_value_is_called_what_its_own_dimension_calls_it() {
        let names = of_filters(&BoardState::parse("?f=is,language,de&f=is,utm_source,de").0);
        assert_eq!(names.of(&Dimension::Language, "de"), "German");
        assert_eq!(names.of(&Dimension::UtmSource, "de"), "de");
    }
}
