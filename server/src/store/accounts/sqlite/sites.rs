//! All sites with everything that the server keeps of them in memory, read at one moment.

use super::people::role;
use crate::{
    event::SiteId,
    sites::{AccountId, Link, LinkId, Member, SavedSegment, Secret, Site, VisitorRules},
    store::accounts::AccountsError,
};
use pulsecast_protocol::{
    Timestamp,
    stats::{Funnel, Goal, Segment},
};
use serde::de::DeserializeOwned;
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use std::{collections::HashMap, sync::Arc};

/// Rows of a table by their site.
type BySite<T> = HashMap<i64, Vec<T>>;

/// A column of JSON. What cannot be read is left out and told, not the end of everything.
fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Option<T> {
    let text: String = row.get(column);
    serde_json::from_str(&text)
        .inspect_err(|error| {
            let id: i64 = row.get("id");
            tracing::error!(id, column, %error, "a row of the accounts cannot be read; it is left out until it is repaired");
        })
        .ok()
}

fn member(row: &SqliteRow) -> Option<Member> {
    Some(Member {
        account: AccountId(row.get("account_id")),
        role: role(row),
    })
}

fn goal(row: &SqliteRow) -> Option<Goal> {
    Some(Goal {
        id: row.get("id"),
        name: row.get("name"),
        kind: json(row, "kind")?,
        currency: row.get("currency"),
    })
}

fn funnel(row: &SqliteRow) -> Option<Funnel> {
    Some(Funnel {
        id: row.get("id"),
        name: row.get("name"),
        steps: json(row, "steps")?,
    })
}

fn segment(row: &SqliteRow) -> Option<SavedSegment> {
    Some(SavedSegment {
        owner: row.get::<Option<i64>, _>("account_id").map(AccountId),
        segment: Segment {
            id: row.get("id"),
            name: row.get("name"),
            shared: row.get("shared"),
            filters: json(row, "filters")?,
        },
    })
}

fn link(row: &SqliteRow) -> Option<Link> {
    Some(Link {
        id: LinkId(row.get("id")),
        hash: row.get::<&[u8], _>("hash").try_into().ok()?,
        password_hash: row.get("password_hash"),
        segment: row.get("segment_id"),
        embed: row.get("embed"),
        expires: row.get::<Option<i64>, _>("expires_at").map(Timestamp),
    })
}

fn visitors(row: &SqliteRow) -> Option<VisitorRules> {
    let secret = |column: &str| row.get::<Option<String>, _>(column).map(Secret::new);
    Some(VisitorRules {
        settings: json(row, "settings")?,
        secret: secret("secret"),
        old: secret("old_secret").zip(row.get::<Option<i64>, _>("old_until").map(Timestamp)),
    })
}

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<Site>, AccountsError> {
    // One transaction, so that a site and its members are of the same moment.
    let mut tx = pool.begin().await?;
    let sites = sqlx::query("select id, domain, settings from sites order by id")
        .fetch_all(&mut *tx)
        .await?;
    macro_rules! by_site {
        ($statement:literal, $read:ident) => {{
            let rows = sqlx::query($statement).fetch_all(&mut *tx).await?;
            let mut by_site = BySite::new();
            for row in rows {
                if let Some(one) = $read(&row) {
                    by_site
                        .entry(row.get("site_id"))
                        .or_insert_with(Vec::new)
                        .push(one);
                }
            }
            by_site
        }};
    }
    let mut members = by_site!(
        "select site_id, account_id, role from members order by site_id, account_id",
        member
    );
    let mut goals = by_site!(
        "select id, site_id, name, kind, currency from goals order by id",
        goal
    );
    let mut funnels = by_site!("select id, site_id, name, steps from funnels order by id", funnel);
    let mut segments = by_site!(
        "select id, site_id, account_id, name, shared, filters from segments order by name, id",
        segment
    );
    let mut links = by_site!(
        "select id, site_id, hash, password_hash, segment_id, embed, expires_at from links order by id",
        link
    );
    let mut rules = by_site!(
        "select site_id as id, site_id, settings, secret, old_secret, old_until from visitors",
        visitors
    );
    fn taken<T>(of: &mut BySite<T>, id: i64) -> Arc<[T]> {
        of.remove(&id).unwrap_or_default().into()
    }
    let sites = sites.iter().filter_map(|row| {
        let id: i64 = row.get("id");
        Some(Site {
            id: SiteId(id),
            settings: json(row, "settings")?,
            members: members.remove(&id).unwrap_or_default(),
            goals: taken(&mut goals, id),
            funnels: taken(&mut funnels, id),
            segments: taken(&mut segments, id),
            links: taken(&mut links, id),
            visitors: rules
                .remove(&id)
                .unwrap_or_default()
                .pop()
                .unwrap_or_default()
                .into(),
        })
    });
    Ok(sites.collect())
}
