//! Members, invitations and the ends of accounts in SQLite.

use super::{SqliteAccounts, Tx};
use crate::{
    event::SiteId,
    sites::{AccountId, Role},
    store::accounts::{AccountsError, Invitation, NewInvitation, People, Person},
};
use async_trait::async_trait;
use pulsecast_protocol::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};

pub(super) fn role(row: &SqliteRow) -> Role {
    let name: String = row.get("role");
    // The table's check lets no other name in.
    name.parse().unwrap_or(Role::Viewer)
}

fn invitation(row: &SqliteRow) -> Invitation {
    Invitation {
        id: row.get("id"),
        site: SiteId(row.get("site_id")),
        email: row.get("email"),
        role: role(row),
        invited_by: row.get("invited_by"),
        expires: Timestamp(row.get("expires_at")),
    }
}

async fn role_of(tx: &mut Tx<'_>, site: SiteId, account: AccountId) -> Result<Option<Role>, AccountsError> {
    let row = sqlx::query("select role from members where site_id = ? and account_id = ?")
        .bind(site.0)
        .bind(account.0)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.as_ref().map(role))
}

async fn has_other_owner(tx: &mut Tx<'_>, site: SiteId, account: AccountId) -> Result<bool, AccountsError> {
    Ok(sqlx::query_scalar(
        "select exists (select 1 from members where site_id = ? and account_id <> ? and role = 'owner')",
    )
    .bind(site.0)
    .bind(account.0)
    .fetch_one(&mut **tx)
    .await?)
}

/// The role that somebody is about to lose, unless the site would be nobody's then.
async fn may_lose(tx: &mut Tx<'_>, site: SiteId, account: AccountId) -> Result<Role, AccountsError> {
    let had = role_of(tx, site, account)
        .await?
        .ok_or(AccountsError::Gone("member"))?;
    if had == Role::Owner && !has_other_owner(tx, site, account).await? {
        return Err(AccountsError::LastOwner);
    }
    Ok(had)
}

pub(super) async fn set_role(
    tx: &mut Tx<'_>,
    site: SiteId,
    account: AccountId,
    role: Role,
) -> Result<(), AccountsError> {
    sqlx::query(
        "insert into members (site_id, account_id, role) values (?, ?, ?) on conflict do update set role = excluded.role",
    )
    .bind(site.0)
    .bind(account.0)
    .bind(role.name())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends the invitations that somebody made and could not make as what they are now: else one that was kept would give back what was taken.
async fn end_invitations(
    tx: &mut Tx<'_>,
    site: SiteId,
    account: AccountId,
    now: Option<Role>,
) -> Result<(), AccountsError> {
    // Admins invite, owners invite owners too.
    let still = match now {
        Some(Role::Owner) => return Ok(()),
        Some(Role::Admin) => "and role = 'owner'",
        _ => "",
    };
    sqlx::query(&format!(
        "delete from invitations where site_id = ? and invited_by = (select email from accounts where id = ?) {still}"
    ))
    .bind(site.0)
    .bind(account.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

const INVITATION: &str = "select id, site_id, email, role, invited_by, expires_at from invitations";

#[async_trait]
impl People for SqliteAccounts {
    async fn people(&self, site: SiteId) -> Result<Vec<Person>, AccountsError> {
        let rows = sqlx::query(
            "select m.account_id, m.role, a.email from members m join accounts a on a.id = m.account_id where m.site_id = ?",
        )
        .bind(site.0)
        .fetch_all(&self.pool)
        .await?;
        let person = |row: &SqliteRow| Person {
            account: AccountId(row.get("account_id")),
            email: row.get("email"),
            role: role(row),
        };
        let mut people: Vec<_> = rows.iter().map(person).collect();
        people.sort_by(|a, b| b.role.cmp(&a.role).then_with(|| a.email.cmp(&b.email)));
        Ok(people)
    }

    async fn change_role(&self, site: SiteId, account: AccountId, role: Role) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        if role < Role::Owner {
            may_lose(&mut tx, site, account).await?;
        } else if role_of(&mut tx, site, account).await?.is_none() {
            return Err(AccountsError::Gone("member"));
        }
        set_role(&mut tx, site, account, role).await?;
        end_invitations(&mut tx, site, account, Some(role)).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_member(&self, site: SiteId, account: AccountId) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        may_lose(&mut tx, site, account).await?;
        end_invitations(&mut tx, site, account, None).await?;
        sqlx::query("delete from members where site_id = ? and account_id = ?")
            .bind(site.0)
            .bind(account.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query("delete from segments where site_id = ? and account_id = ? and shared = 0")
            .bind(site.0)
            .bind(account.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn transfer(&self, site: SiteId, from: AccountId, to: AccountId) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        if role_of(&mut tx, site, to).await?.is_none() {
            return Err(AccountsError::Gone("member"));
        }
        set_role(&mut tx, site, to, Role::Owner).await?;
        if from != to {
            set_role(&mut tx, site, from, Role::Admin).await?;
            end_invitations(&mut tx, site, from, Some(Role::Admin)).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn invite(
        &self,
        site: SiteId,
        invitation: &NewInvitation<'_>,
        now: Timestamp,
    ) -> Result<i64, AccountsError> {
        let mut tx = self.write().await?;
        let id = sqlx::query_scalar(
            "insert or replace into invitations (site_id, hash, email, role, invited_by, created_at, expires_at) \
             values (?, ?, ?, ?, ?, ?, ?) returning id",
        )
        .bind(site.0)
        .bind(invitation.hash.as_slice())
        .bind(invitation.email)
        .bind(invitation.role.name())
        .bind(invitation.invited_by)
        .bind(now.millis())
        .bind(invitation.expires.millis())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn invitations(&self, site: SiteId, now: Timestamp) -> Result<Vec<Invitation>, AccountsError> {
        let rows = sqlx::query(&format!(
            "{INVITATION} where site_id = ? and expires_at > ? order by email"
        ))
        .bind(site.0)
        .bind(now.millis())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(invitation).collect())
    }

    async fn invitation(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, AccountsError> {
        let row = sqlx::query(&format!("{INVITATION} where hash = ? and expires_at > ?"))
            .bind(hash.as_slice())
            .bind(now.millis())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(invitation))
    }

    async fn withdraw(&self, site: SiteId, invitation: i64) -> Result<(), AccountsError> {
        let statement = "delete from invitations where id = ? and site_id = ?";
        self.delete_of_site(statement, "invitation", site, invitation)
            .await
    }

    async fn accept(
        &self,
        hash: &[u8; 32],
        account: AccountId,
        now: Timestamp,
    ) -> Result<Invitation, AccountsError> {
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "delete from invitations where hash = ? and expires_at > ? returning id, site_id, email, role, invited_by, expires_at",
        )
        .bind(hash.as_slice())
        .bind(now.millis())
        .fetch_optional(&mut *tx)
        .await?;
        let invitation = row
            .as_ref()
            .map(invitation)
            .ok_or(AccountsError::Gone("invitation"))?;
        let had = role_of(&mut tx, invitation.site, account).await?;
        if had < Some(invitation.role) {
            set_role(&mut tx, invitation.site, account, invitation.role).await?;
        }
        tx.commit().await?;
        Ok(invitation)
    }

    async fn change_password(&self, account: AccountId, hash: &str) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        sqlx::query("update accounts set password_hash = ? where id = ?")
            .bind(hash)
            .bind(account.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn remove_account(&self, account: AccountId) -> Result<(), AccountsError> {
        let mut tx = self.write().await?;
        let orphan: Option<String> = sqlx::query_scalar(
            "select s.domain from members m join sites s on s.id = m.site_id where m.account_id = ?1 and m.role = 'owner' \
             and not exists (select 1 from members o where o.site_id = m.site_id and o.account_id <> ?1 and o.role = 'owner') \
             order by s.domain limit 1",
        )
        .bind(account.0)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(domain) = orphan {
            return Err(AccountsError::InUse(format!(
                "{domain} has no other owner: transfer or delete it first"
            )));
        }
        sqlx::query("delete from invitations where invited_by = (select email from accounts where id = ?)")
            .bind(account.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query("delete from segments where account_id = ? and shared = 0")
            .bind(account.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query("delete from accounts where id = ?")
            .bind(account.0)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
