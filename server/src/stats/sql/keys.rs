//! What groups are called, as SQL: column `k0` is the first dimension's. Paths are grouped by number and named at the end.

use super::{
    Builder,
    cond::{IMPORTED_EVENT, Of, attribute, pointer},
};
use crate::stats::buckets::Buckets;
use pulsecast_protocol::stats::Dimension;

/// Whether a dimension's key is a path's number.
#[must_use]
pub const fn is_path(dimension: &Dimension) -> bool {
    matches!(
        dimension,
        Dimension::Page | Dimension::EntryPage | Dimension::ExitPage
    )
}

/// Whether a dimension is of a visit's pages: events have to be joined with their visits.
#[must_use]
pub const fn is_of_pages(dimension: &Dimension) -> bool {
    matches!(
        dimension,
        Dimension::EntryPage | Dimension::EntryHostname | Dimension::ExitPage | Dimension::ExitHostname
    )
}

impl Builder<'_> {
    /// The key of an event `e` (joined with its visit `v` where [`is_of_pages`], with a goal `g`), of a visit `v` or of an imported figure `i`. A visit's buckets are
    /// listed: `b.bucket` has one.
    pub(super) fn key(&mut self, dimension: &Dimension, of: Of, buckets: Option<&Buckets>) -> String {
        let label = dimension.none_label();
        if let Some(column) = attribute(dimension) {
            return format!("coalesce({}.{column}, '{label}')", of.alias());
        }
        match (dimension, of) {
            (Dimension::EventName, Of::Import) => IMPORTED_EVENT.to_owned(),
            (Dimension::Hostname, Of::Import) => format!("coalesce(i.hostname, '{label}')"),
            (_, Of::Import) => format!("coalesce(i.page, '{label}')"),
            (Dimension::Goal, _) => "g.goal".to_owned(),
            (Dimension::EventName, _) => "e.name".to_owned(),
            (Dimension::Prop(key), _) => {
                let pointer = self.text(&pointer(key));
                format!("coalesce(json_extract_string(e.props, {pointer}), '{label}')")
            }
            (Dimension::Page, Of::Event) => "e.path".to_owned(),
            (Dimension::Hostname, Of::Event) => "e.hostname".to_owned(),
            (Dimension::Page | Dimension::EntryPage, _) => "v.entry_path".to_owned(),
            (Dimension::ExitPage, _) => "v.exit_path".to_owned(),
            (Dimension::ExitHostname, _) => format!("coalesce(v.exit_hostname, '{label}')"),
            (Dimension::Time(_), Of::Event) => {
                buckets.map_or_else(|| "0".to_owned(), |buckets| buckets.number_of("e.happened_at"))
            }
            (Dimension::Time(_), Of::Visit) => "v.bucket".to_owned(),
            _ => format!("coalesce(v.entry_hostname, '{label}')"),
        }
    }

    /// `key as k0, key as k1`.
    pub(super) fn keys(
        &mut self,
        dimensions: &[Dimension],
        of: Of,
        buckets: Option<&Buckets>,
    ) -> Vec<String> {
        dimensions
            .iter()
            .enumerate()
            .map(|(i, dimension)| format!("{} as k{i}", self.key(dimension, of, buckets)))
            .collect()
    }
}
