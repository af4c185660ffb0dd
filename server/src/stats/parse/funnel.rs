//! Reads what a live funnel is asked with: `{"site_id": …, "funnel": 3, "date_range": "day", "filters": […]}`.

use super::{
    at::{At, invalid},
    filters, json, query, range, site_id,
};
use crate::stats::{StatsError, live::Question};
use pulsecast_protocol::stats::{Include, Metric, Pagination, Query};

/// Reads what a client wants to follow: a question, or a funnel by its number.
///
/// # Errors
/// As [`query`]; also when it is not JSON.
pub fn question_text(text: &[u8]) -> Result<Question, StatsError> {
    let json = json(text)?;
    let at = At::root(&json);
    let Some(funnel) = at.key("funnel") else {
        return Ok(query(&json)?.into());
    };
    at.object(&["site_id", "funnel", "date_range", "filters"])?;
    let id = funnel.value().as_i64();
    let id = id.ok_or_else(|| invalid("funnel", "has to be the number of a funnel"))?;
    let filters = at.key("filters").map(|at| filters::list(&at)).transpose()?;
    Ok(Question {
        funnel: Some(id),
        query: Query {
            site_id: site_id(&at.required("site_id", "\"example.com\"")?)?,
            metrics: vec![Metric::Visitors],
            date_range: range::date_range(&at.required("date_range", "\"day\"")?)?,
            date: None,
            dimensions: Vec::new(),
            filters: filters.unwrap_or_default(),
            order_by: Vec::new(),
            include: Include::default(),
            pagination: Pagination::default(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_funnel_is_asked_by_its_number_and_anything_else_as_ever() {
        let read = |text: &str| question_text(text.as_bytes());
        let funnel = read(
            r#"{"site_id":"a.com","funnel":3,"date_range":"day","filters":[["is","visit:country",["DE"]]]}"#,
        );
        let funnel = funnel.unwrap();
        assert_eq!((funnel.funnel, funnel.query.filters.len()), (Some(3), 1));
        let plain = read(r#"{"site_id":"a.com","metrics":["visitors"],"date_range":"day"}"#).unwrap();
        assert_eq!(plain.funnel, None);
    }

    #[test]
    fn what_goes_with_no_funnel_is_named() {
        let wrong = |text: &str| question_text(text.as_bytes()).unwrap_err().to_string();
        assert!(wrong(r#"{"site_id":"a.com","funnel":"x","date_range":"day"}"#).starts_with("funnel: "));
        let more = wrong(r#"{"site_id":"a.com","funnel":3,"date_range":"day","metrics":["visits"]}"#);
        assert!(more.starts_with("metrics: no such key"), "{more}");
    }
}
