//! Our own export, one event a line: comes back exactly as it was, under new numbers.

use super::{
    Context, ImportError, days::Covered, log::short, report::Tally, sink::Sink, source::File,
    visits::Gathered,
};
use crate::{
    event::{Client, Event, Hit, Kind, Utm, VisitId, VisitorId},
    sessions::Visit,
    store::ImportId,
};
use chrono::DateTime;
use pulsecast_protocol::Timestamp;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::AtomicU64},
};

/// Lines between two looks at which visits have ended.
const SWEEP: u64 = 1_000;
/// An event of a visit comes at most this long after the one before, in milliseconds: the timeout, and what may have waited in a page's queue.
const PATIENCE: i64 = 3 * Timestamp::HOUR;

/// A line, as `pulsecast export` writes it.
#[derive(Deserialize)]
struct Row {
    time: String,
    name: String,
    kind: String,
    visitor: String,
    visit: u64,
    hostname: String,
    path: String,
    referrer: Option<String>,
    source: Option<String>,
    medium: Option<String>,
    channel: Option<String>,
    utm_source: Option<String>,
    utm_medium: Option<String>,
    utm_campaign: Option<String>,
    utm_content: Option<String>,
    utm_term: Option<String>,
    #[serde(flatten)]
    client: Client,
    #[serde(default)]
    props: BTreeMap<String, String>,
    revenue: Option<Revenue>,
    scroll_depth: Option<u8>,
    engaged_ms: Option<u32>,
}

#[derive(Deserialize)]
struct Revenue {
    amount: f64,
    currency: String,
}

/// The event and the name of its visit in the file.
fn event(context: &Context<'_>, text: &str) -> Result<Event, String> {
    let row: Row = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let time = DateTime::parse_from_rfc3339(&row.time)
        .map_err(|_| format!("time: `{}` is not a time", short(&row.time)))?;
    let visitor = u64::from_str_radix(&row.visitor, 16)
        .map(VisitorId)
        .map_err(|_| format!("visitor: `{}` is not 16 hexadecimal digits", short(&row.visitor)))?;
    let kind = match row.kind.as_str() {
        "pageview" => Kind::Pageview,
        "custom" => Kind::Custom,
        "passive" => Kind::CustomPassive,
        "engagement" => Kind::Engagement,
        other => {
            return Err(format!(
                "kind: `{}` is not pageview, custom, passive or engagement",
                short(other)
            ));
        }
    };
    Ok(Event {
        seq: 0,
        visit: VisitId(row.visit),
        visitor,
        hit: Hit {
            site: context.site_id(),
            at: Timestamp(time.timestamp_millis()),
            kind,
            name: row.name,
            visitor,
            visitor_before: None,
            hostname: row.hostname,
            path: row.path,
            referrer: row.referrer,
            source: row.source,
            medium: row.medium,
            channel: row.channel,
            utm: Utm {
                source: row.utm_source,
                medium: row.utm_medium,
                campaign: row.utm_campaign,
                content: row.utm_content,
                term: row.utm_term,
            },
            client: row.client,
            props: row.props,
            revenue: row.revenue.map(|revenue| (revenue.amount, revenue.currency)),
            scroll_depth: row.scroll_depth,
            engaged: row.engaged_ms,
        },
    })
}

pub(super) fn run(
    context: &Context<'_>,
    files: Vec<File>,
    covered: &Covered,
    import: ImportId,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let total = files.iter().map(|file| file.bytes).sum();
    context.watched.update(|report| report.bytes_total = total);
    let read = Arc::new(AtomicU64::new(0));
    let mut tally = Tally::default();
    let mut open: HashMap<VisitId, (Visit, Vec<Event>)> = HashMap::new();
    let mut gathered = Gathered::new(context, import, sink);
    for file in files {
        let mut lines = file.lines(read.clone())?;
        while let Some(text) = lines.next()? {
            if text.trim().is_empty() {
                continue;
            }
            tally.row();
            let at = match event(context, &text) {
                Ok(event) => {
                    let at = event.hit.at;
                    take(context, covered, event, &mut open, &mut tally);
                    Some(at)
                }
                Err(reason) => {
                    tally.unreadable(|| format!("{}: {reason}", lines.place()));
                    None
                }
            };
            if lines.number % SWEEP == 0 {
                if let Some(now) = at {
                    let over: Vec<VisitId> = open
                        .iter()
                        .filter(|(_, (visit, _))| now.since(visit.last) > PATIENCE)
                        .map(|(id, _)| *id)
                        .collect();
                    end(over, &mut open, &mut gathered);
                }
                gathered.pass_on(&mut tally, &read, false)?;
            }
        }
    }
    end(open.keys().copied().collect(), &mut open, &mut gathered);
    gathered.pass_on(&mut tally, &read, true)
}

fn take(
    context: &Context<'_>,
    covered: &Covered,
    mut event: Event,
    open: &mut HashMap<VisitId, (Visit, Vec<Event>)>,
    tally: &mut Tally,
) {
    if event.hit.at > context.clock.now() {
        return tally.skip("in the future");
    }
    let Some(day) = covered.day(event.hit.at) else {
        return tally.skip("unreadable");
    };
    if let Some(reason) = covered.leaves_out(day) {
        return tally.skip(reason);
    }
    if event.hit.kind == Kind::Pageview {
        tally.pageviews(day, 1);
    }
    match open.get_mut(&event.visit) {
        Some((visit, events)) => {
            visit.add(&event.hit);
            visit.lend(&mut event.hit);
            events.push(event);
        }
        None => {
            open.insert(event.visit, (Visit::open(&event), vec![event]));
        }
    }
}

fn end(
    mut over: Vec<VisitId>,
    open: &mut HashMap<VisitId, (Visit, Vec<Event>)>,
    gathered: &mut Gathered<'_>,
) {
    // By name, so that the same file always gives the same store.
    over.sort_unstable();
    for id in over {
        if let Some((visit, events)) = open.remove(&id) {
            gathered.visit(visit, events);
        }
    }
}
