//! Streams what is uploaded to disk, bounded; a form's parts or a request's whole body.

use axum::extract::{FromRequest, Multipart, Request};
use futures::{Stream, StreamExt};
use http::header;
use pulsecast_protocol::ErrorCode;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Files of one upload at most.
const FILES: usize = 100;
/// Bytes beyond the limit that are read and thrown away.
const HEARD_OUT: u64 = 64 << 20;

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    /// Too much.
    #[error(
        "the files are larger than {0} MiB: import them one after the other, or start pulsecast with a higher --import-limit"
    )]
    TooLarge(u64),
    /// No form that can be read, or a connection that broke off.
    #[error("the upload cannot be read ({0}): send it again")]
    Broken(String),
    /// No room, no right.
    #[error("the upload cannot be kept ({0}): see that the data directory has room")]
    Disk(#[from] std::io::Error),
}

impl UploadError {
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::Broken(_) => ErrorCode::Invalid,
            Self::Disk(_) => ErrorCode::Unavailable,
        }
    }
}

/// Files on disk, deleted unless they are kept.
#[derive(Debug, Default)]
pub(super) struct Upload {
    files: Vec<(PathBuf, String)>,
    pub(super) dry_run: bool,
}

impl Upload {
    /// The files; from here on they are somebody else's to delete.
    pub(super) fn keep(mut self) -> Vec<(PathBuf, String)> {
        std::mem::take(&mut self.files)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.files.iter().for_each(|(path, _)| forget(path));
    }
}

/// Deletes an uploaded file.
pub(super) fn forget(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, file = %path.display(), "an uploaded file is left behind; the next start deletes it");
    }
}

/// Saves what the request brings.
pub(super) async fn save(
    request: Request,
    folder: &Path,
    limit: u64,
    name: Option<&str>,
) -> Result<Upload, UploadError> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let mut upload = Upload::default();
    let mut left = limit;
    if kind.is_none_or(|kind| !kind.starts_with("multipart/form-data")) {
        let body = request.into_body().into_data_stream();
        file(
            &mut upload,
            folder,
            name.unwrap_or("upload"),
            body,
            &mut left,
            limit,
        )
        .await?;
        return Ok(upload);
    }
    let broken = |error: &dyn std::fmt::Display| UploadError::Broken(error.to_string());
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| broken(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        match field.name() {
            Some("dry_run") => upload.dry_run = true,
            Some("file") if upload.files.len() < FILES => {
                let name = field.file_name().unwrap_or_default().to_owned();
                // What a browser sends when no file was chosen.
                if !name.is_empty() {
                    file(&mut upload, folder, &name, field, &mut left, limit).await?;
                }
            }
            _ => {}
        }
    }
    Ok(upload)
}

/// A client that is still sending when the connection closes does not read the answer: what is a little too large is read to its end.
async fn hear_out<E>(mut body: impl Stream<Item = Result<bytes::Bytes, E>> + Unpin) {
    let mut left = HEARD_OUT;
    while let Some(Ok(piece)) = body.next().await {
        match left.checked_sub(piece.len() as u64) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

async fn file<E: std::fmt::Display>(
    upload: &mut Upload,
    folder: &Path,
    name: &str,
    mut body: impl Stream<Item = Result<bytes::Bytes, E>> + Unpin,
    left: &mut u64,
    limit: u64,
) -> Result<(), UploadError> {
    let path = folder.join(format!("{:032x}", rand::random::<u128>()));
    let mut out = tokio::fs::File::create(&path).await?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    upload.files.push((path, name.chars().take(120).collect()));
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| UploadError::Broken(error.to_string()))?;
        let Some(rest) = left.checked_sub(piece.len() as u64) else {
            hear_out(body).await;
            return Err(UploadError::TooLarge(limit >> 20));
        };
        *left = rest;
        out.write_all(&piece).await?;
    }
    Ok(out.flush().await?)
}
