//! Asking the server that runs on the data directory, where one does: it alone can read its event store.

use crate::{
    auth::Tokens,
    clock::{Clock, SystemClock},
    config::DataDir,
    sites::Site,
    store::accounts::SqliteAccounts,
};
use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use http::request::Builder;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request,
    body::{Bytes, Frame},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use pulsecast_protocol::{
    ApiError, Domain,
    data::{DataPage, ImportJob, ImportState},
};
use std::{io::Write, path::PathBuf, time::Duration};
use tokio::net::TcpStream;
use tokio_util::io::ReaderStream;

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
        let Some(member) = site.members.iter().max_by_key(|member| member.role) else {
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
        let request = self.request(Method::GET, path).body(full(Bytes::new()))?;
        self.send(request, |piece| Ok(out.write_all(piece)?)).await
    }

    /// Uploads files, and waits for the end of the import.
    pub(super) async fn import(
        &self,
        site: &Domain,
        files: &[(PathBuf, String)],
        dry_run: bool,
    ) -> Result<ImportJob> {
        let boundary = format!("pulsecast-{:032x}", rand::random::<u128>());
        let path = format!("/sites/{site}/import?dry_run={dry_run}");
        let request = self
            .request(Method::POST, &path)
            .header(
                header::CONTENT_TYPE,
                format!("multipart/form-data; boundary={boundary}"),
            )
            .body(form(files.to_vec(), boundary))?;
        self.send(request, |_| Ok(())).await?;
        loop {
            let mut text = Vec::new();
            self.download(&format!("/sites/{site}/import.json"), &mut text)
                .await?;
            let page: DataPage = serde_json::from_slice(&text)?;
            match page.job {
                Some(job) if job.state == ImportState::Running => {
                    eprint!("\r{} %, {} rows ", job.percent, job.rows);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Some(job) => {
                    eprintln!();
                    return Ok(job);
                }
                None => bail!(
                    "the server at {} was started again meanwhile: import once more",
                    self.authority
                ),
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    /// Sends a request and hands over the pieces of the answer.
    async fn send(&self, request: Request<Body>, mut piece: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .with_context(|| format!("cannot reach the server at {}", self.authority))?;
        let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(stream)).await?;
        let copy = async {
            let mut response = sender.send_request(request).await?;
            if !response.status().is_success() {
                let status = response.status();
                let text = response.into_body().collect().await?.to_bytes();
                let error = serde_json::from_slice::<ApiError>(&text).map(|error| error.message);
                bail!(
                    "the server at {} answers {status}: {}",
                    self.authority,
                    error.unwrap_or_default()
                );
            }
            // A server that breaks off in the middle is an error of the next frame.
            while let Some(frame) = response.frame().await {
                if let Some(data) = frame?.data_ref() {
                    piece(data)?;
                }
            }
            Ok(())
        };
        // The connection ends by itself once the answer is read: it only has to be driven meanwhile.
        tokio::select! {
            biased;
            outcome = copy => outcome,
            driven = connection => bail!("the server at {} hung up: {driven:?}", self.authority),
        }
    }
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// The files as a browser's form would send them, read while they are sent.
fn form(files: Vec<(PathBuf, String)>, boundary: String) -> Body {
    let end = format!("--{boundary}--\r\n");
    let parts = stream::iter(files).flat_map(move |(path, name)| {
        let name = name.replace(['"', '\r', '\n'], "_");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let contents = stream::once(tokio::fs::File::open(path))
            .map_ok(|file| ReaderStream::with_capacity(file, 64 * 1024))
            .try_flatten();
        let text = |text: String| stream::iter([Ok(Bytes::from(text))]);
        text(head).chain(contents).chain(text("\r\n".to_owned()))
    });
    let all = parts.chain(stream::iter([Ok(Bytes::from(end))]));
    BodyExt::boxed_unsync(StreamBody::new(all.map_ok(Frame::data)))
}
