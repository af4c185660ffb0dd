//! Serves a file with `Range` and `If-Range` ([RFC 9110 §14](https://www.rfc-editor.org/rfc/rfc9110#section-14)), so that a download that broke
//! off goes on with the same bytes. A file that is still being written is sent as it grows.

use super::{
    files::{Made, Trouble, Written},
    outflow::{Line, Outflow, PIECE, outflow},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use std::{io, ops::Range, sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How long a file may still grow for its length to be told in advance.
const SOON: Duration = Duration::from_millis(250);

/// Names a file in an address.
const FILE: &str = "file";

/// What a file is called and what it is.
#[derive(Clone, Debug)]
pub(super) struct Title {
    pub(super) kind: &'static str,
    /// `attachment; filename="…"`
    pub(super) name: String,
}

impl Title {
    pub(super) fn headers(&self) -> [(HeaderName, String); 3] {
        [
            (header::CONTENT_TYPE, self.kind.to_owned()),
            (header::CONTENT_DISPOSITION, self.name.clone()),
            // Whose it is and for how long is decided here, each time.
            (header::CACHE_CONTROL, "private, no-store".to_owned()),
        ]
    }
}

/// What a request asks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: nothing else was asked for, or nothing we serve.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes that it does not have.
    Outside,
}

/// Which file a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// A new one.
    New,
    /// The one with this entity tag, if it is there; else a new one.
    Tagged(String),
    /// The one with this entity tag, and no other.
    Named(String),
}

/// What a download is asked with: its headers, and its address.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) headers: HeaderMap,
    pub(super) uri: Uri,
}

impl Ask {
    /// `Range` alone names no contents, and a part of one file behind that of another is worth nothing: who wants to go on says with what,
    /// by `If-Range` or by an address that has `file=`.
    pub(super) fn which(&self) -> Which {
        if let Some((_, name)) = self.pairs().find(|(key, _)| key == FILE) {
            return Which::Named(format!("\"{name}\""));
        }
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        match (text(header::RANGE), text(header::IF_RANGE)) {
            (Some(_), Some(tag)) => Which::Tagged(tag.to_owned()),
            _ => Which::New,
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned()
    }

    /// The address of this very file.
    fn address(&self, made: &Made) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs().filter(|(key, _)| key != FILE));
        query.append_pair(FILE, made.etag().trim_matches('"'));
        format!("{}?{}", self.uri.path(), query.finish())
    }
}

/// The part of a file so long that is asked for. Several parts at once are answered with the whole, as the standard allows.
pub(super) fn part(headers: &HeaderMap, length: u64) -> Part {
    let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some((first, last)) = text.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(count) => length.saturating_sub(count)..length,
            None => return Part::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..length,
            None => return Part::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..length.min(last.saturating_add(1)),
            _ => return Part::Whole,
        },
    };
    if range.is_empty() {
        Part::Outside
    } else {
        Part::Bytes(range)
    }
}

/// Answers with a file from its beginning, whether or not all of it is there.
///
/// # Errors
/// When it broke before its first byte went out.
pub(super) async fn begin(
    made: Arc<Made>,
    title: &Title,
    ask: &Ask,
    line: Line,
) -> Result<Response, Trouble> {
    let length = match tokio::time::timeout(SOON, made.whole()).await {
        Ok(whole) => Some(whole?),
        Err(_) => None,
    };
    let headers = [
        (header::ETAG, made.etag().to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LOCATION, ask.address(&made)),
    ];
    let body = poured(made, 0..length.unwrap_or(u64::MAX), line);
    let mut response = (title.headers(), headers, body).into_response();
    if let Some(length) = length {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

/// Answers with the part of a file that is asked for, once all of it is there: only then is known how long it is.
///
/// # Errors
/// When it will not be.
pub(super) async fn go_on(
    made: Arc<Made>,
    title: &Title,
    ask: &Ask,
    line: Line,
) -> Result<Response, Trouble> {
    let length = made.whole().await?;
    let is_same = |tag: &HeaderValue| tag.as_bytes() == made.etag().as_bytes();
    let part = match ask.headers.get(header::IF_RANGE) {
        Some(tag) if !is_same(tag) => Part::Whole,
        _ => part(&ask.headers, length),
    };
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..length),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Outside => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    let (first, size) = (range.start, range.end - range.start);
    let described = [
        (header::ETAG, made.etag().to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_LOCATION, ask.address(&made)),
    ];
    let body = poured(made, range, line);
    let mut response = (status, title.headers(), described, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = format!("bytes {first}-{}/{length}", first + size - 1).parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// These bytes of a file as a body; up to its end where it is shorter.
fn poured(made: Arc<Made>, range: Range<u64>, line: Line) -> Body {
    let tasks = line.tasks.clone();
    let (out, body) = outflow(line);
    tasks.spawn("download", async move {
        match pour(&made, range, &out).await {
            Ok(true) => out.end().await,
            // The client is gone.
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "a download breaks off");
                out.fail(error).await;
            }
        }
    });
    body
}

/// Sends them; whether the client took all.
async fn pour(made: &Made, range: Range<u64>, out: &Outflow) -> io::Result<bool> {
    let mut file = tokio::fs::File::open(made.path()).await?;
    let (mut at, mut written) = (range.start, made.written());
    file.seek(io::SeekFrom::Start(at)).await?;
    loop {
        let (there, is_all) = match *written.borrow_and_update() {
            Written::SoFar(length) => (length, false),
            Written::All(length) => (length, true),
            Written::Broken(trouble) => return Err(io::Error::other(trouble)),
        };
        let until = there.min(range.end);
        while at < until {
            let size = usize::try_from(until - at).unwrap_or(PIECE).min(PIECE);
            let mut piece = vec![0; size];
            file.read_exact(&mut piece).await?;
            at += size as u64;
            if out.send(piece.into()).await.is_err() {
                return Ok(false);
            }
        }
        if is_all || at >= range.end {
            return Ok(true);
        }
        tokio::select! {
            changed = written.changed() => changed.map_err(|_| io::Error::other(Trouble::Stopped))?,
            () = out.gone() => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        part(&headers, 100)
    }

    #[test]
    fn a_range_is_read_as_the_standard_says() {
        assert_eq!(of("bytes=0-9"), Part::Bytes(0..10));
        assert_eq!(of("bytes=90-"), Part::Bytes(90..100));
        assert_eq!(of("bytes=-5"), Part::Bytes(95..100));
        assert_eq!(of("bytes=-500"), Part::Bytes(0..100));
        assert_eq!(of("bytes=50-500"), Part::Bytes(50..100));
        assert_eq!(of("bytes=100-"), Part::Outside);
        assert_eq!(of("bytes=-0"), Part::Outside);
        for rubbish in [
            "bytes=9-5",
            "bytes=a-b",
            "items=1-2",
            "bytes=0-1,4-5",
            "bytes=18446744073709551616-",
        ] {
            assert_eq!(of(rubbish), Part::Whole, "{rubbish}");
        }
    }
}
