//! Serves a file with `Range` and `If-Range` ([RFC 9110 §14](https://www.rfc-editor.org/rfc/rfc9110#section-14)), so that a download that broke
//! off goes on.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::{io, ops::Range, path::Path};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

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

/// Whether the request wants to go on with a download of contents by this name.
pub(super) fn resumes(headers: &HeaderMap, etag: &str) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    text(header::RANGE).is_some() && text(header::IF_RANGE).is_none_or(|known| known == etag)
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

/// Answers with a file, or the part of it that is asked for.
pub(super) async fn serve(
    path: &Path,
    etag: &str,
    kind: &'static str,
    name: String,
    headers: &HeaderMap,
    whole: bool,
) -> io::Result<Response> {
    let mut file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let part = if whole { Part::Whole } else { part(headers, length) };
    let (status, range) = match part {
        Part::Whole => (StatusCode::OK, 0..length),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Outside => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    file.seek(io::SeekFrom::Start(range.start)).await?;
    let size = range.end - range.start;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(size), 64 * 1024));
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, name),
            (header::CONTENT_LENGTH, size.to_string()),
            (header::ETAG, etag.to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
        ],
        body,
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = format!("bytes {}-{}/{length}", range.start, range.end - 1).parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
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
