//! All that the dashboard's page shows, as the server answers it.

use super::model::{BoardData, Card, Head, Motion, Panel, Row};
use chrono::NaiveDate;
use pulsecast_protocol::{
    Domain,
    stats::{CohortUnit, Cohorts, Dimension, Returns},
};
use serde::{Deserialize, Serialize};

/// What the stats pages of a site have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameView {
    /// Which site.
    pub site: SiteView,
    /// The state in the address, as it was understood.
    pub search: String,
    /// What of it was not.
    pub notices: Vec<String>,
    /// What is called what, among values that filters name.
    pub names: Names,
    /// What a segment of this filter would hold, as a query's JSON.
    pub filters: String,
    /// Why the filter that is being made cannot be asked for.
    pub wrong: Option<String>,
    /// What is compared, in words; empty where nothing is.
    pub compared: String,
    /// Values to choose from, while a filter is made.
    pub choices: Option<Choices>,
    /// What is to be known about all that is shown.
    pub hint: String,
}

/// What values are called where that differs from the values: countries, regions, screens, languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names(pub Vec<(Dimension, String, String)>);

impl Names {
    /// What a value of a dimension is called.
    #[must_use]
    pub fn of<'a>(&'a self, dimension: &Dimension, value: &'a str) -> &'a str {
        let mut names = self.0.iter();
        let named = names.find(|(of, code, _)| of == dimension && code == value);
        named.map_or(value, |(.., name)| name)
    }
}

/// The dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardPage {
    /// What is around it.
    pub frame: FrameView,
    /// What is below the toolbar.
    pub content: Content,
    /// All of what is shown as one archive.
    pub zip: String,
}

/// A site as its dashboard's pages need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteView {
    /// Which.
    pub domain: Domain,
    /// The path of its pages: `/sites/example.com`, or that of a shared link.
    pub base: String,
    /// Who looks.
    pub mode: ViewMode,
    /// Its time zone.
    pub timezone: String,
    /// Which day it is there.
    pub today: NaiveDate,
    /// The day of its first event.
    pub first_day: Option<NaiveDate>,
    /// Names of its goals.
    pub goals: Vec<String>,
    /// Its funnels.
    pub funnels: Vec<Named>,
    /// Saved filters that the viewer may use.
    pub segments: Vec<Named>,
    /// Custom properties that its events carried.
    pub props: Vec<String>,
}

/// Something with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// Who looks at the dashboard, and so what of it is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewMode {
    /// A member of the site, who may look.
    Member,
    /// A member who may also change goals, funnels and shared segments.
    Editor,
    /// A member who may also change the site's settings.
    Admin,
    /// Whoever has the link.
    Shared,
    /// The same within somebody's page.
    Embedded,
}

impl ViewMode {
    /// Whether it is somebody of the site.
    #[must_use]
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Member | Self::Editor | Self::Admin)
    }

    /// Whether goals and funnels can be made.
    #[must_use]
    pub const fn edits(self) -> bool {
        matches!(self, Self::Editor | Self::Admin)
    }
}

/// What is below the toolbar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// No event has ever arrived.
    Waiting,
    /// Figures, graph and cards.
    Board(Box<BoardData>),
    /// One tab in full.
    Details(Box<Table>),
}

/// One tab in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The rows of this page, their columns and what they are.
    pub card: Card,
    /// The heads of the columns, that of the names first.
    pub heads: Vec<Head>,
    /// Whether the period includes now.
    pub motion: Motion,
    /// Who follows it, where that is not whoever is signed in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Rows of all pages.
    pub total: u64,
    /// Rows of a page.
    pub size: u32,
    /// The same as CSV.
    pub csv: String,
    /// What is to be known about it.
    pub note: String,
}

/// Values to choose from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    /// The most frequent ones, and how many visitors each has.
    pub rows: Vec<Row>,
    /// Why there are none.
    pub error: Option<String>,
}

/// A funnel, counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunnelPage {
    /// What is around it.
    pub frame: FrameView,
    /// Which funnel is shown.
    pub funnel: Option<Named>,
    /// How far visitors got, or why that is not known.
    pub result: Option<Result<Vec<Row>, String>>,
    /// The question.
    pub follow: Panel,
    /// Whether the period includes now.
    pub motion: Motion,
    /// The same as CSV.
    pub csv: String,
    /// Who follows it, where that is not whoever is signed in.
    pub token: String,
}

/// Who comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionPage {
    /// What is around it.
    pub frame: FrameView,
    /// Within the day, or why that is not known.
    pub returns: Result<Returns, String>,
    /// Across days, where the site names its people.
    pub cohorts: Option<Result<Cohorted, String>>,
    /// The first as CSV.
    pub csv: String,
    /// The second as CSV.
    pub cohorts_csv: String,
    /// When it was counted, by the site's clock, while the period goes on: it does not move by itself.
    pub as_of: Option<String>,
}

/// Cohorts and how long their steps are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohorted {
    /// A step.
    pub unit: CohortUnit,
    /// The cohorts.
    pub cohorts: Cohorts,
}
