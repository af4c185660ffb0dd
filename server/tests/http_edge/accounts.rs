//! The accounts file: what it keeps, and what it refuses.

use crate::support::{EMAIL, NOW, PASSWORD, Server, Wish, eventually};
use pulsecast_protocol::{
    account::SiteSettings,
    stats::{Dimension, Filter, GoalKind},
};
use pulsecast_server::{
    event::SiteId,
    sites::AccountId,
    store::accounts::{
        Accounts, AccountsError, GoalBook, LinkBook, NewGoal, NewLink, NewSegment, People, Role, SiteChange,
        SqliteAccounts, load_sites, watch_sites,
    },
};
use sqlx::Connection;

async fn other_process(server: &Server) -> sqlx::SqliteConnection {
    let file = format!("sqlite://{}", server.data().join("accounts.sqlite").display());
    sqlx::SqliteConnection::connect(&file).await.unwrap()
}

pub async fn write(server: &Server, sql: &'static str) {
    sqlx::query(sql)
        .execute(&mut other_process(server).await)
        .await
        .unwrap();
}

pub async fn count(server: &Server, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&mut other_process(server).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_file_of_a_newer_pulsecast_is_refused_with_advice() {
    let server = Server::start().await;
    write(
        &server,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', true, x'00', 0)",
    )
    .await;
    let error = SqliteAccounts::open(server.data()).await.unwrap_err();
    assert!(matches!(error, AccountsError::Newer { found: 9999, .. }));
    assert!(
        error
            .to_string()
            .contains("upgrade the binary or restore a backup"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("accounts.sqlite"),
        "this is a shopping list, not a database\n".repeat(200),
    )
    .unwrap();
    let error = SqliteAccounts::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, AccountsError::Open { .. }), "{error}");
    assert!(error.to_string().contains("accounts.sqlite"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let error = SqliteAccounts::open("/nowhere/at/all".as_ref())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/at/all/accounts.sqlite"),
        "{error}"
    );
}

#[tokio::test]
async fn a_site_that_another_process_adds_is_seen_by_the_running_server() {
    let server = Server::start().await;
    watch_sites(server.accounts.clone(), server.sites.clone(), &server.tasks);
    let other = SqliteAccounts::open(server.data()).await.unwrap();
    let domain = "example.com".parse().unwrap();
    let id = other
        .add_site(&SiteSettings::new("example.com".parse().unwrap()), &[], NOW)
        .await
        .unwrap();
    eventually("the new site is known", || async {
        server.sites.get(&domain).is_some()
    })
    .await;
    other.remove_site(id).await.unwrap();
    eventually("the removed site is gone", || async {
        server.sites.get(&domain).is_none()
    })
    .await;
}

#[tokio::test]
async fn a_sites_number_is_never_given_again() {
    let server = Server::start().await;
    let settings = SiteSettings::new("example.com".parse().unwrap());
    let first = server.accounts.add_site(&settings, &[], NOW).await.unwrap();
    assert!(matches!(
        server.accounts.add_site(&settings, &[], NOW).await,
        Err(AccountsError::DomainTaken(_))
    ));
    server.accounts.remove_site(first).await.unwrap();
    let second = server.accounts.add_site(&settings, &[], NOW).await.unwrap();
    assert!(second > first, "{second:?} after {first:?}");
    assert!(matches!(
        server.accounts.remove_site(first).await,
        Err(AccountsError::NoSuchSite)
    ));
}

#[tokio::test]
async fn a_site_keeps_settings_members_and_its_first_event() {
    let server = Server::start().await;
    let accounts = &server.accounts;
    let ann = accounts.add_account(EMAIL, "x", NOW).await.unwrap();
    assert!(matches!(
        accounts.add_account("ANN@example.com", "x", NOW).await,
        Err(AccountsError::EmailTaken)
    ));
    let mut settings = SiteSettings::new("example.com".parse().unwrap());
    let id = accounts.add_site(&settings, &[ann], NOW).await.unwrap();
    settings.timezone = "Europe/Berlin".into();
    let change = SiteChange::General(Box::new(settings.clone()));
    accounts.change_site(id, &change).await.unwrap();
    let sites = accounts.sites().await.unwrap();
    assert_eq!(
        (sites.len(), &sites[0].settings, sites[0].role(ann)),
        (1, &settings, Some(Role::Owner))
    );
    assert_eq!(accounts.role(id, ann).await.unwrap(), Some(Role::Owner));
    assert_eq!(accounts.role(id, AccountId(99)).await.unwrap(), None);
    assert!(matches!(
        accounts.change_site(SiteId(99), &change).await,
        Err(AccountsError::NoSuchSite)
    ));

    assert_eq!(accounts.first_event_at(id).await.unwrap(), None);
    accounts.note_first_event(&[id], NOW).await.unwrap();
    accounts.note_first_event(&[id], NOW.plus(1)).await.unwrap();
    assert_eq!(accounts.first_event_at(id).await.unwrap(), Some(NOW));
}

#[tokio::test]
async fn salts_and_secrets_are_the_same_for_all_processes_and_old_salts_are_gone() {
    let server = Server::start().await;
    let other = SqliteAccounts::open(server.data()).await.unwrap();
    assert_eq!(server.accounts.put_salt(10, [1; 16]).await.unwrap(), [1; 16]);
    assert_eq!(
        other.put_salt(10, [2; 16]).await.unwrap(),
        [1; 16],
        "the first one holds"
    );
    other.put_salt(11, [3; 16]).await.unwrap();
    assert_eq!(
        server.accounts.salts().await.unwrap(),
        [(10, [1; 16]), (11, [3; 16])]
    );
    server.accounts.delete_salts_before(11).await.unwrap();
    assert_eq!(other.salts().await.unwrap(), [(11, [3; 16])]);

    let first = server.accounts.secret("key", b"one").await.unwrap();
    assert_eq!(other.secret("key", b"two").await.unwrap(), first);
}

#[tokio::test]
async fn two_first_accounts_at_once_become_one() {
    let server = Server::start().await;
    let other = SqliteAccounts::open(server.data()).await.unwrap();
    let (one, two) = tokio::join!(
        server.accounts.add_first_account("a@example.com", "x", NOW),
        other.add_first_account("b@example.com", "x", NOW)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(server.accounts.count_accounts().await.unwrap(), 1);
    assert_eq!(
        server.accounts.setup_token().await.unwrap(),
        None,
        "the link is used up"
    );
}

#[tokio::test]
async fn while_the_accounts_cannot_be_written_signing_in_says_so_and_works_again_afterwards() {
    let server = Server::start_with(Wish::default()).await;
    server.owner().await;
    write(&server, "alter table tower_sessions rename to away").await;
    let ann = server.browser();
    assert_eq!(ann.sign_in(EMAIL, PASSWORD).await.status(), 503);
    write(&server, "alter table away rename to tower_sessions").await;
    assert_eq!(ann.sign_in(EMAIL, PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn what_members_set_up_comes_back_with_the_site_and_goes_with_it() {
    let server = Server::start().await;
    let accounts = &server.accounts;
    let ann = accounts.add_account(EMAIL, "x", NOW).await.unwrap();
    let settings = SiteSettings::new("example.com".parse().unwrap());
    let site = accounts.add_site(&settings, &[ann], NOW).await.unwrap();
    let goal = |name: &str| NewGoal {
        name: name.into(),
        kind: GoalKind::Page {
            path: format!("/{name}"),
        },
        currency: None,
    };
    let cart = accounts.add_goal(site, &goal("cart")).await.unwrap();
    let paid = accounts.add_goal(site, &goal("paid")).await.unwrap();
    assert!(matches!(
        accounts.add_goal(site, &goal("paid")).await,
        Err(AccountsError::NameTaken("goal"))
    ));
    accounts.add_funnel(site, "buy", &[cart, paid]).await.unwrap();
    assert!(matches!(
        accounts.add_funnel(site, "nothing", &[cart, 99]).await,
        Err(AccountsError::Gone("goal"))
    ));
    assert!(matches!(
        accounts.remove_goal(site, cart).await,
        Err(AccountsError::InUse(_))
    ));
    let segment = NewSegment {
        name: "Germany".into(),
        shared: true,
        filters: vec![Filter::is(Dimension::Country, ["DE"])],
    };
    let segment_id = accounts.add_segment(site, ann, &segment).await.unwrap();
    let link = NewLink {
        hash: &[7; 32],
        prefix: "abc",
        name: "for Bob",
        password_hash: None,
        segment: Some(segment_id),
        embed: false,
        expires: None,
    };
    let link = accounts.add_link(site, &link, NOW).await.unwrap();
    assert!(matches!(
        accounts.remove_segment(site, segment_id).await,
        Err(AccountsError::InUse(_))
    ));

    load_sites(accounts, &server.sites).await.unwrap();
    let kept = server.sites.by_id(site).unwrap();
    assert_eq!(
        kept.goals.iter().map(|goal| goal.id).collect::<Vec<_>>(),
        [cart, paid]
    );
    assert_eq!(kept.funnels[0].steps, [cart, paid]);
    assert_eq!(kept.segments[0].segment.filters, segment.filters);
    let (shared, id) = server.sites.shared(&[7; 32]).unwrap();
    assert_eq!((shared.id, id), (site, link));

    accounts.remove_site(site).await.unwrap();
    load_sites(accounts, &server.sites).await.unwrap();
    assert!(server.sites.shared(&[7; 32]).is_none());
    let again = accounts.add_site(&settings, &[ann], NOW).await.unwrap();
    load_sites(accounts, &server.sites).await.unwrap();
    assert!(server.sites.by_id(again).unwrap().goals.is_empty());
}

#[tokio::test]
async fn a_site_is_never_nobodys() {
    let server = Server::start().await;
    let accounts = &server.accounts;
    let ann = accounts.add_account(EMAIL, "x", NOW).await.unwrap();
    let bob = accounts.add_account("bob@example.com", "x", NOW).await.unwrap();
    let settings = SiteSettings::new("example.com".parse().unwrap());
    let site = accounts.add_site(&settings, &[ann], NOW).await.unwrap();
    accounts.add_member(site, bob, Role::Admin).await.unwrap();
    for refused in [
        accounts.change_role(site, ann, Role::Admin).await,
        accounts.remove_member(site, ann).await,
    ] {
        assert!(matches!(refused, Err(AccountsError::LastOwner)));
    }
    assert!(matches!(
        accounts.remove_account(ann).await,
        Err(AccountsError::InUse(_))
    ));
    accounts.transfer(site, ann, bob).await.unwrap();
    assert_eq!(accounts.role(site, bob).await.unwrap(), Some(Role::Owner));
    assert_eq!(accounts.role(site, ann).await.unwrap(), Some(Role::Admin));
    accounts.remove_account(ann).await.unwrap();
    assert_eq!(accounts.people(site).await.unwrap().len(), 1);
}
