//! Goals, funnels and segments in SQLite.

use super::{SqliteAccounts, Tx, is_foreign, is_taken};
use crate::{
    event::SiteId,
    sites::AccountId,
    store::accounts::{AccountsError, GoalBook, NewGoal, NewSegment, goal_names},
};
use async_trait::async_trait;
use pulsecast_protocol::stats::Filter;
use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};

pub(super) fn text<T: Serialize + ?Sized>(value: &T) -> Result<String, AccountsError> {
    serde_json::to_string(value).map_err(|e| AccountsError::Unavailable(e.to_string()))
}

fn named(what: &'static str) -> impl FnOnce(sqlx::Error) -> AccountsError {
    move |error| match error {
        e if is_taken(&e) => AccountsError::NameTaken(what),
        e if is_foreign(&e) => AccountsError::NoSuchSite,
        e => e.into(),
    }
}

/// A segment that can be read.
struct Saved {
    id: i64,
    name: String,
    shared: bool,
    filters: Vec<Filter>,
}

async fn goal_name(tx: &mut Tx<'_>, site: SiteId, goal: i64) -> Result<String, AccountsError> {
    let name = sqlx::query_scalar("select name from goals where id = ? and site_id = ?")
        .bind(goal)
        .bind(site.0)
        .fetch_optional(&mut **tx)
        .await?;
    name.ok_or(AccountsError::Gone("goal"))
}

/// Whether all of them are goals of the site.
async fn have_goals(tx: &mut Tx<'_>, site: SiteId, steps: &[i64]) -> Result<(), AccountsError> {
    for step in steps {
        goal_name(tx, site, *step).await?;
    }
    Ok(())
}

async fn segments(tx: &mut Tx<'_>, site: SiteId) -> Result<Vec<Saved>, AccountsError> {
    let rows = sqlx::query("select id, name, shared, filters from segments where site_id = ? order by id")
        .bind(site.0)
        .fetch_all(&mut **tx)
        .await?;
    let read = |row: &SqliteRow| {
        Some(Saved {
            id: row.get("id"),
            name: row.get("name"),
            shared: row.get("shared"),
            filters: serde_json::from_str(row.get("filters")).ok()?,
        })
    };
    Ok(rows.iter().filter_map(read).collect())
}

impl SqliteAccounts {
    /// Deletes the row of this number that belongs to the site.
    pub(super) async fn delete_of_site(
        &self,
        statement: &'static str,
        what: &'static str,
        site: SiteId,
        id: i64,
    ) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let done = sqlx::query(statement)
            .bind(id)
            .bind(site.0)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::Gone(what));
        }
        Ok(tx.commit().await?)
    }
}

#[async_trait]
impl GoalBook for SqliteAccounts {
    async fn add_goal(&self, site: SiteId, goal: &NewGoal) -> Result<i64, AccountsError> {
        let mut tx = self.write().await?;
        let id = sqlx::query_scalar(
            "insert into goals (site_id, name, kind, currency) values (?, ?, ?, ?) returning id",
        )
        .bind(site.0)
        .bind(&goal.name)
        .bind(text(&goal.kind)?)
        .bind(&goal.currency)
        .fetch_one(&mut *tx)
        .await
        .map_err(named("goal"))?;
        tx.commit().await?;
        Ok(id)
    }

    async fn change_goal(&self, site: SiteId, id: i64, goal: &NewGoal) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let before = goal_name(&mut tx, site, id).await?;
        sqlx::query("update goals set name = ?, kind = ?, currency = ? where id = ?")
            .bind(&goal.name)
            .bind(text(&goal.kind)?)
            .bind(&goal.currency)
            .bind(id)
            .execute(&mut *tx)
            .await
            .map_err(named("goal"))?;
        for mut segment in segments(&mut tx, site).await? {
            // Each of them, also when the first has changed.
            let renamed = |changed, filter| goal_names::rename(filter, &before, &goal.name) || changed;
            if segment.filters.iter_mut().fold(false, renamed) {
                sqlx::query("update segments set filters = ? where id = ?")
                    .bind(text(&segment.filters)?)
                    .bind(segment.id)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        Ok(tx.commit().await?)
    }

    async fn remove_goal(&self, site: SiteId, goal: i64) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let used: Option<String> = sqlx::query_scalar(
            "select name from funnels, json_each(steps) step where site_id = ? and step.value = ? limit 1",
        )
        .bind(site.0)
        .bind(goal)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(funnel) = used {
            return Err(AccountsError::InUse(format!(
                "the funnel `{funnel}` is made of this goal: change or remove the funnel first"
            )));
        }
        // What others filter by for themselves keeps nobody from tidying up: it says what is wrong with it when it is used.
        let name = goal_name(&mut tx, site, goal).await?;
        let shared = segments(&mut tx, site).await?.into_iter().find(|segment| {
            segment.shared
                && segment
                    .filters
                    .iter()
                    .any(|filter| goal_names::names(filter, &name))
        });
        if let Some(segment) = shared {
            return Err(AccountsError::InUse(format!(
                "the segment `{}` names this goal: change or remove the segment first",
                segment.name
            )));
        }
        sqlx::query("delete from goals where id = ?")
            .bind(goal)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn add_funnel(&self, site: SiteId, name: &str, steps: &[i64]) -> Result<i64, AccountsError> {
        let mut tx = self.write().await?;
        have_goals(&mut tx, site, steps).await?;
        let id =
            sqlx::query_scalar("insert into funnels (site_id, name, steps) values (?, ?, ?) returning id")
                .bind(site.0)
                .bind(name)
                .bind(text(steps)?)
                .fetch_one(&mut *tx)
                .await
                .map_err(named("funnel"))?;
        tx.commit().await?;
        Ok(id)
    }

    async fn change_funnel(
        &self,
        site: SiteId,
        id: i64,
        name: &str,
        steps: &[i64],
    ) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        have_goals(&mut tx, site, steps).await?;
        let done = sqlx::query("update funnels set name = ?, steps = ? where id = ? and site_id = ?")
            .bind(name)
            .bind(text(steps)?)
            .bind(id)
            .bind(site.0)
            .execute(&mut *tx)
            .await
            .map_err(named("funnel"))?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::Gone("funnel"));
        }
        Ok(tx.commit().await?)
    }

    async fn remove_funnel(&self, site: SiteId, funnel: i64) -> Result<(), AccountsError> {
        let statement = "delete from funnels where id = ? and site_id = ?";
        self.delete_of_site(statement, "funnel", site, funnel).await
    }

    async fn add_segment(
        &self,
        site: SiteId,
        owner: AccountId,
        segment: &NewSegment,
    ) -> Result<i64, AccountsError> {
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "insert into segments (site_id, account_id, name, shared, filters) values (?, ?, ?, ?, ?) returning id",
        )
        .bind(site.0)
        .bind(owner.0)
        .bind(&segment.name)
        .bind(segment.shared)
        .bind(text(&segment.filters)?)
        .fetch_one(&mut *tx)
        .await
        .map_err(named("segment"))?;
        tx.commit().await?;
        Ok(row.get(0))
    }

    async fn save_segment(&self, site: SiteId, id: i64, segment: &NewSegment) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let done =
            sqlx::query("update segments set name = ?, shared = ?, filters = ? where id = ? and site_id = ?")
                .bind(&segment.name)
                .bind(segment.shared)
                .bind(text(&segment.filters)?)
                .bind(id)
                .bind(site.0)
                .execute(&mut *tx)
                .await?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::Gone("segment"));
        }
        Ok(tx.commit().await?)
    }

    async fn remove_segment(&self, site: SiteId, segment: i64) -> Result<(), AccountsError> {
        let statement = "delete from segments where id = ? and site_id = ?";
        let done = self.delete_of_site(statement, "segment", site, segment).await;
        match done {
            // Without its segment a link would show everything.
            Err(AccountsError::Unavailable(message)) if message.contains("FOREIGN KEY") => {
                Err(AccountsError::InUse(
                    "a shared link is limited to this segment: remove the link first".to_owned(),
                ))
            }
            done => done,
        }
    }
}
