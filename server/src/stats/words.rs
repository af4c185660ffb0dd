//! Which values a filter's conditions fit, found out before: the visits of days that are summed up know their attributes by the numbers of
//! words only.

use super::cond::{Cond, Test};
use pulsecast_protocol::stats::Dimension;

/// Of a condition that fits more values than this, the values are looked up while the question is answered.
pub const FEW: usize = 200;

/// The number that stands for no page.
pub const NO_PAGE: i64 = -1;

/// The conditions of a filter and what they fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<(Test, Vec<i64>)>);

impl Words {
    /// Of these conditions, those that fit these: more than [`FEW`] are not kept.
    pub fn of(known: impl IntoIterator<Item = (Test, Vec<i64>)>) -> Self {
        Self(
            known
                .into_iter()
                .filter(|(_, fitting)| fitting.len() <= FEW)
                .collect(),
        )
    }

    /// The numbers of the words that a condition fits, if they are few.
    #[must_use]
    pub fn few(&self, test: &Test) -> Option<&[i64]> {
        let found = self.0.iter().find(|(known, _)| known == test);
        found.map(|(_, fitting)| fitting.as_slice())
    }
}

/// The conditions of a filter that are about what the visits of a day know; `None` if others are among them.
#[must_use]
pub fn tests(filter: &Cond) -> Option<Vec<&Test>> {
    match filter {
        Cond::All(conds) | Cond::Any(conds) => {
            let all: Option<Vec<Vec<&Test>>> = conds.iter().map(tests).collect();
            all.map(|all| all.concat())
        }
        Cond::Not(cond) => tests(cond),
        Cond::Test(test) => is_known(&test.dimension).then(|| vec![test]),
        Cond::Done(_) | Cond::Goals(..) => None,
    }
}

fn is_known(dimension: &Dimension) -> bool {
    is_own(dimension)
        || is_origin(dimension)
        || matches!(
            dimension,
            Dimension::EntryPage | Dimension::ExitPage | Dimension::Page
        )
}

/// Whether it is what a visitor is: the same with each visit, but for few.
#[must_use]
pub const fn is_own(dimension: &Dimension) -> bool {
    matches!(
        dimension,
        Dimension::Device
            | Dimension::Browser
            | Dimension::BrowserVersion
            | Dimension::Os
            | Dimension::OsVersion
            | Dimension::Country
            | Dimension::Region
            | Dimension::City
            | Dimension::Language
            | Dimension::Screen
    )
}

/// Whether it is where a visit came from.
#[must_use]
pub const fn is_origin(dimension: &Dimension) -> bool {
    matches!(
        dimension,
        Dimension::Source
            | Dimension::Referrer
            | Dimension::Channel
            | Dimension::UtmSource
            | Dimension::UtmMedium
            | Dimension::UtmCampaign
            | Dimension::UtmContent
            | Dimension::UtmTerm
    )
}
