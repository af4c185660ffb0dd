//! Every metric by name and meaning. `GET /metrics` shows them in Prometheus' text format.

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

const COUNTERS: &[(&str, &str)] = &[
    (
        "pulsecast_events_total",
        "Events by what became of them: accepted, a drop reason, invalid, unknown_site, or why they were refused with 503",
    ),
    (
        "pulsecast_bots_total",
        "Events of programs, by the program's name",
    ),
    (
        "pulsecast_stored_total",
        "Events moved from the inbox into the event store",
    ),
    (
        "pulsecast_store_refused_total",
        "What the event store refused for good and was set aside (event, visit), undone (import) or left out (change, removal)",
    ),
    (
        "pulsecast_hub_publications_total",
        "Messages published into channels",
    ),
    (
        "pulsecast_hub_deliveries_total",
        "Messages handed to readers' queues, by family of channel",
    ),
    (
        "pulsecast_hub_gaps_total",
        "Readers that were told to come again because a publication would have been missing",
    ),
    (
        "pulsecast_streams_refused_total",
        "Publications in feeds and rooms that were refused, by reason: disk, full (too much waits for it), channels (too many rooms)",
    ),
    (
        "pulsecast_recoveries_total",
        "Subscriptions that asked for what they missed, by whether all of it was there",
    ),
    (
        "pulsecast_feed_published_total",
        "Changes of feed items told to their channels: items published, changed, withdrawn, ended",
    ),
    ("pulsecast_commands_total", "Commands of push clients, by method"),
    (
        "pulsecast_connections_total",
        "Push connections opened and polls answered, by transport",
    ),
    (
        "pulsecast_connections_refused_total",
        "Push connections refused at the door, by reason",
    ),
    (
        "pulsecast_emulation_refused_total",
        "Requests with commands for a stream (POST /emulation) that were refused, by reason",
    ),
    (
        "pulsecast_disconnects_total",
        "Push connections that ended, by reason",
    ),
    (
        "pulsecast_visitor_tokens_total",
        "Visitor tokens by what became of them: accepted, expired, invalid, or away where the site's keys could not be fetched",
    ),
    (
        "pulsecast_key_sets_total",
        "Fetches of sites' public keys, by outcome",
    ),
    (
        "pulsecast_connect_endpoints_total",
        "Questions to sites' connect endpoints, by outcome: somebody, nobody, failed",
    ),
    (
        "pulsecast_downloads_refused_total",
        "Downloads refused because too many were under way, by limit: all, each",
    ),
    (
        "pulsecast_downloads_cut_total",
        "Downloads ended because their client took nothing of them for too long",
    ),
    (
        "pulsecast_logins_total",
        "Attempts to sign in, by what became of them",
    ),
    (
        "pulsecast_live_query_evaluations_total",
        "Evaluations of live queries, by turn (first, again) and outcome (changed, unchanged: not pushed, failed, refused)",
    ),
    (
        "pulsecast_live_query_pushes_total",
        "Answers of live queries pushed, by kind (whole, change, error, recovered), however many receive them",
    ),
    (
        "pulsecast_online_pages_refused_total",
        "Counts of single pages refused because the site has too many pages open",
    ),
    ("pulsecast_live_changes_total", "Changes published to dashboards"),
    (
        "pulsecast_live_rows_skipped_total",
        "Rows of event streams left out because a site was too busy to show them all",
    ),
    (
        "pulsecast_live_truncated_total",
        "Facts that left a live window early because it was over its bounds",
    ),
    (
        "pulsecast_http_foreign_total",
        "Requests refused because they came from a foreign page",
    ),
    (
        "pulsecast_http_timeouts_total",
        "Requests given up because they took too long",
    ),
    (
        "pulsecast_http_accept_errors_total",
        "Connections that could not be accepted",
    ),
    (
        "pulsecast_http_connection_errors_total",
        "Connections that ended in an error: clients that dawdle, vanish or send garbage",
    ),
];

const GAUGES: &[(&str, &str)] = &[
    ("pulsecast_open_visits", "Visits that have not ended"),
    (
        "pulsecast_hub_channels",
        "Channels with readers or something to recover",
    ),
    ("pulsecast_hub_subscribers", "Subscriptions to channels"),
    ("pulsecast_live_queries", "Different live queries"),
    ("pulsecast_connections", "Open push connections"),
    (
        "pulsecast_http_connections",
        "Open HTTP connections, sockets included",
    ),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    (
        "pulsecast_inbox_commit_events",
        "Events that shared one commit of the inbox",
    ),
    (
        "pulsecast_streams_commit_publications",
        "Publications in feeds and rooms that shared one commit",
    ),
    (
        "pulsecast_live_query_seconds",
        "How long evaluating a live query took, by turn",
    ),
];

/// Installs the process's recorder and describes the metrics. Once a process.
///
/// # Errors
/// When there is a recorder already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    COUNTERS
        .iter()
        .for_each(|(name, meaning)| describe_counter!(*name, *meaning));
    GAUGES
        .iter()
        .for_each(|(name, meaning)| describe_gauge!(*name, *meaning));
    HISTOGRAMS
        .iter()
        .for_each(|(name, meaning)| describe_histogram!(*name, *meaning));
    Ok(handle)
}
