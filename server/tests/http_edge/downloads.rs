//! Files below a shared link end with it.

use crate::support::{Server, location};
use pulsecast_protocol::Timestamp;

#[tokio::test]
async fn a_link_that_has_expired_or_is_removed_gives_no_files() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let site = [("domain", "example.com"), ("timezone", "UTC")];
    owner.form("/fn/add-site", &site).await;
    let mut links = Vec::new();
    for expires in ["7", ""] {
        let fields = [("domain", "example.com"), ("name", "Board"), ("expires", expires)];
        let made = owner.form("/fn/add-link", &fields).await;
        let slug = location(&made).split_once("made=").unwrap().1.to_owned();
        links.push(format!("/share/{slug}"));
    }
    let guest = server.browser();
    let files = [
        "csv?query=%7B%22metrics%22%3A%5B%22visitors%22%5D%2C%22date_range%22%3A%22all%22%7D",
        "export.zip",
        "retention.csv",
    ];
    for file in files {
        for link in &links {
            assert_eq!(
                guest.open(&format!("{link}/{file}")).await.status(),
                200,
                "{file}"
            );
        }
    }
    server.clock.advance(7 * Timestamp::DAY);
    let owner = server.browser();
    owner
        .sign_in(crate::support::EMAIL, crate::support::PASSWORD)
        .await;
    let site = server.sites.get(&"example.com".parse().unwrap()).unwrap();
    let id = site
        .links
        .iter()
        .find(|link| link.expires.is_none())
        .unwrap()
        .id
        .0
        .to_string();
    owner
        .form("/fn/remove-link", &[("domain", "example.com"), ("id", &id)])
        .await;
    for file in files {
        for link in &links {
            assert_eq!(
                guest.open(&format!("{link}/{file}")).await.status(),
                404,
                "{file}"
            );
        }
    }
}
