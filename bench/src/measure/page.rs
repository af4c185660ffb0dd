//! The dashboard's page as a browser gets it: signed in by the form, every card answered before the last byte.

use crate::{
    generate::{EMAIL, PASSWORD, SITE},
    http,
};
use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use serde_json::Value;
use std::net::SocketAddr;

/// Who looks.
#[derive(Debug)]
pub(super) struct Looker {
    address: SocketAddr,
    cookie: String,
}

impl Looker {
    /// Signs in as the owner of a generated directory.
    pub(super) async fn sign_in(address: SocketAddr) -> Result<Self> {
        let body = format!(
            "email={}&password={}&next=",
            EMAIL.replace('@', "%40"),
            PASSWORD.replace(' ', "+")
        );
        let request = format!(
            "POST /login HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\naccept: text/html\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, answer) = http::once(address, &request).await?;
        let cookie = answer
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .and_then(|(_, value)| value.split(';').next())
            .with_context(|| format!("signing in was answered {status} without a cookie"))?;
        Ok(Self {
            address,
            cookie: cookie.to_owned(),
        })
    }

    /// Gets the whole page.
    pub(super) async fn look(&self, path: &str) -> Result<()> {
        let Self { address, cookie } = self;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/html\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n"
        );
        let (status, page) = http::once(*address, &request).await?;
        // Cards whose question failed say so in the page.
        if status != 200 || !page.contains("</html>") || page.contains("needs more") {
            bail!("{path} was answered {status}, {} bytes", page.len());
        }
        Ok(())
    }
}

/// The address of these days under these filters.
pub(super) fn path(first: NaiveDate, last: NaiveDate, filters: &Value) -> String {
    let days = last.signed_duration_since(first).num_days() + 1;
    let period = if days == 30 {
        "period=30d".to_owned()
    } else {
        format!("period=custom&from={first}&to={last}")
    };
    let filters = filters.as_array().into_iter().flatten().map(|filter| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let dimension = text(&filter[1]);
        let name = dimension.split(':').nth(1).unwrap_or_default();
        format!("&f={},{name},{}", text(&filter[0]), text(&filter[2][0]))
    });
    format!("/sites/{SITE}?{period}{}", filters.collect::<String>())
}
