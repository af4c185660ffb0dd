//! Asking the server that runs on the data directory, where one does: it alone can read its event store.

use crate::{
    auth::Tokens,
    clock::{Clock, SystemClock},
    config::DataDir,
    sites::Site,
    store::accounts::SqliteAccounts,
};
use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use std::io::Write;
use tokio::net::TcpStream;

/// A running server, as one of the site's members.
pub(super) struct RunningServer {
    authority: String,
    token: String,
}

impl RunningServer {
    /// The server on this directory, for a site that has a member.
    pub(super) async fn of(data: &DataDir, accounts: &SqliteAccounts, site: &Site) -> Result<Self> {
        let file = data.serving();
        let url = std::fs::read_to_string(&file).with_context(|| {
            format!(
                "a server runs on this data directory but {} does not say where: stop it first",
                file.display()
            )
        })?;
        let Some(member) = site.members.first() else {
            bail!(
                "a server runs on this data directory and {} has no member to ask it as: stop the server first",
                site.settings.domain
            );
        };
        let (token, _) = Tokens::load(accounts)
            .await?
            .issue(member.account, SystemClock.now())?;
        Ok(Self {
            authority: url.trim().trim_start_matches("http://").to_owned(),
            token,
        })
    }

    /// Copies what the server answers to `out` as it comes.
    pub(super) async fn download(&self, path: &str, out: &mut impl Write) -> Result<()> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .with_context(|| format!("cannot reach the server at {}", self.authority))?;
        let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
        let request = Request::get(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::new())?;
        let copy = async {
            let mut response = sender.send_request(request).await?;
            if !response.status().is_success() {
                bail!("the server at {} answers {}", self.authority, response.status());
            }
            // A server that breaks off in the middle is an error of the next frame.
            while let Some(frame) = response.frame().await {
                if let Some(piece) = frame?.data_ref() {
                    out.write_all(piece)?;
                }
            }
            Ok(())
        };
        // The connection ends by itself once the answer is read: it only has to be driven meanwhile.
        tokio::select! {
            outcome = copy => outcome,
            driven = connection => bail!("the server at {} hung up: {driven:?}", self.authority),
        }
    }
}
