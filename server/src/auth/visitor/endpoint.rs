//! Who a visitor with a cookie is: the site's own endpoint is asked, with the cookie, and its answer is believed for as long as it says. For
//! sites that have a session and sign nothing.
//!
//! The question is `POST` with `{"site","origin"}`. The answer is `{"user","info","rooms","expires_in"}`, or 204, 401 or 403 for nobody.

use super::{
    rooms::{BadRooms, Rooms, grants},
    token::TokenLimits,
};
use crate::{
    auth::secret,
    clock::SharedClock,
    event::SiteId,
    fetch::{FetchError, Fetcher, Question},
    gate::{Cookies, RoomGrant},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use parking_lot::Mutex;
use pulsecast_protocol::{Domain, Origin, Timestamp, visitor::Endpoint, wire::Raw};
use serde::Deserialize;
use serde_json::json;
use std::{collections::HashMap, fmt, sync::Arc};

/// Whose cookies begin with this stay here: they are this server's own.
const OURS: &str = "pulsecast_";
/// Answers that are kept.
const MOST: usize = 20_000;
/// For how long an answer is good where it does not say, and the bounds of what it may say.
const USUAL: i64 = 5 * Timestamp::MINUTE;
const SHORTEST: i64 = 10_000;
const LONGEST: i64 = Timestamp::DAY;
/// For how long nobody stays nobody: somebody who signs in is let in soon.
const NOBODY: i64 = 10_000;
/// For how long an endpoint that failed is left alone, for this cookie.
const PAUSE: i64 = 2_000;

/// Somebody, as their site's endpoint says.
#[derive(Clone, Debug)]
pub(super) struct Vouched {
    pub(super) user: String,
    pub(super) info: Option<Raw>,
    pub(super) rooms: Vec<RoomGrant>,
    pub(super) asked: Timestamp,
    pub(super) until: Timestamp,
}

/// What became of a question.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Somebody(Arc<Vouched>),
    Nobody,
    /// There is no answer now.
    Away,
}

type Key = (SiteId, [u8; 32]);

#[derive(Default)]
struct Slot {
    told: Option<(Told, Timestamp)>,
    /// Held by whoever asks: the visitor's other tabs wait for that answer.
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    fn is_needed(&self, now: Timestamp) -> bool {
        let is_good = self.told.as_ref().is_some_and(|(_, until)| now < *until);
        is_good || Arc::strong_count(&self.asking) > 1
    }
}

/// All endpoints. A cheap handle.
#[derive(Clone)]
pub(super) struct Endpoints(Arc<Shared>);

struct Shared {
    fetcher: Fetcher,
    clock: SharedClock,
    limits: TokenLimits,
    slots: Mutex<HashMap<Key, Slot>>,
    /// Questions that each site's server has not answered yet.
    under_way: Mutex<HashMap<SiteId, usize>>,
}

/// One question's place among those of its site, for as long as it is held.
struct Place<'a>(&'a Shared, SiteId);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way.lock();
        let left = under_way.get(&self.1).map_or(0, |now| now.saturating_sub(1));
        if left == 0 {
            under_way.remove(&self.1);
        } else {
            under_way.insert(self.1, left);
        }
    }
}

impl Shared {
    /// A place, where there is one: a site whose server does not answer takes a quarter of them at most, so that the others' go on.
    fn place(&self, site: SiteId) -> Option<Place<'_>> {
        let most = (self.fetcher.limits().at_once / 4).max(1);
        let mut under_way = self.under_way.lock();
        let taken = under_way.entry(site).or_default();
        if *taken >= most {
            return None;
        }
        *taken += 1;
        Some(Place(self, site))
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

/// A question about whoever has these cookies.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) id: SiteId,
    pub(super) site: Domain,
    pub(super) endpoint: Endpoint,
    pub(super) origin: Origin,
    pub(super) cookies: Cookies,
}

/// The cookies without our own; `None` where nothing is left.
fn theirs(cookies: &Cookies) -> Option<String> {
    let theirs: Vec<&str> = cookies
        .expose()
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !pair.starts_with(OURS))
        .collect();
    (!theirs.is_empty()).then(|| theirs.join("; "))
}

impl Endpoints {
    pub(super) fn new(fetcher: Fetcher, clock: SharedClock, limits: TokenLimits) -> Self {
        Self(Arc::new(Shared {
            fetcher,
            clock,
            limits,
            slots: Mutex::default(),
            under_way: Mutex::default(),
        }))
    }

    /// Who that is: from memory where it is known, else the endpoint is asked, once for all who wait.
    pub(super) async fn who(&self, asked: &Asked) -> Told {
        let Some(cookies) = theirs(&asked.cookies) else {
            return Told::Nobody;
        };
        let key = (asked.id, secret::hash(&cookies));
        let asking = {
            let mut slots = self.0.slots.lock();
            let now = self.0.clock.now();
            if let Some(told) = known(&slots, &key, now) {
                return told;
            }
            if slots.len() >= MOST {
                slots.retain(|_, slot| slot.is_needed(now));
            }
            if slots.len() >= MOST {
                // So many different sessions within minutes: what is forgotten is asked again.
                slots.clear();
            }
            slots.entry(key).or_default().asking.clone()
        };
        let _alone = asking.lock().await;
        if let Some(told) = known(&self.0.slots.lock(), &key, self.0.clock.now()) {
            return told;
        }
        let (told, until) = self.ask(asked, &cookies).await;
        self.0.slots.lock().entry(key).or_default().told = Some((told.clone(), until));
        told
    }

    /// Forgets what was said about this user: they were turned away.
    pub(super) fn forget(&self, site: SiteId, user: &str) {
        self.0.slots.lock().retain(|(of, _), slot| {
            let about = matches!(&slot.told, Some((Told::Somebody(vouched), _)) if vouched.user == user);
            *of != site || !about
        });
    }

    /// Forgets what is not good any more.
    pub(super) fn sweep(&self) {
        let now = self.0.clock.now();
        self.0.slots.lock().retain(|_, slot| slot.is_needed(now));
    }

    async fn ask(&self, asked: &Asked, cookies: &str) -> (Told, Timestamp) {
        let answer = self.question(asked, cookies).await;
        let now = self.0.clock.now();
        let (outcome, told, until) = match answer {
            Ok(Some(vouched)) => {
                let until = vouched.until;
                ("somebody", Told::Somebody(Arc::new(vouched)), until)
            }
            Ok(None) => ("nobody", Told::Nobody, now.plus(NOBODY)),
            Err(error) => {
                tracing::warn!(site = %asked.site, %error, "a site's connect endpoint cannot say who its visitor is");
                ("failed", Told::Away, now.plus(PAUSE))
            }
        };
        metrics::counter!("pulsecast_connect_endpoints_total", "outcome" => outcome).increment(1);
        (told, until)
    }

    async fn question(&self, asked: &Asked, cookies: &str) -> Result<Option<Vouched>, BadAnswer> {
        let _place = self.0.place(asked.id).ok_or(BadAnswer::Busy)?;
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json.clone());
        headers.insert(header::ACCEPT, json);
        headers.insert(
            header::COOKIE,
            HeaderValue::try_from(cookies).map_err(|_| BadAnswer::Cookie)?,
        );
        let body = json!({"site": asked.site, "origin": asked.origin}).to_string();
        let question = Question {
            method: Method::POST,
            headers,
            body: body.into(),
        };
        let fetched = self.0.fetcher.ask(asked.endpoint.as_str(), question).await?;
        match fetched.status {
            StatusCode::OK => read(&fetched.body, &self.0.limits, self.0.clock.now()),
            StatusCode::NO_CONTENT | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(None),
            status => Err(BadAnswer::Status(status)),
        }
    }
}

fn known(slots: &HashMap<Key, Slot>, key: &Key, now: Timestamp) -> Option<Told> {
    let (told, until) = slots.get(key)?.told.as_ref()?;
    (now < *until).then(|| told.clone())
}

#[derive(Debug, thiserror::Error)]
enum BadAnswer {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it answered {0}: it has to answer 200, or 204, 401 or 403 for nobody")]
    Status(StatusCode),
    #[error("its answer cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("its answer's rooms cannot be read: {0}")]
    Rooms(#[from] BadRooms),
    #[error("its answer's user has 1 to 200 bytes without control characters")]
    User,
    #[error("its answer's info is too long")]
    Info,
    #[error("the browser's cookies cannot be passed on")]
    Cookie,
    #[error("too many questions to this site's server are under way already")]
    Busy,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    info: Option<Raw>,
    #[serde(default)]
    rooms: Option<Rooms>,
    #[serde(default)]
    expires_in: Option<f64>,
}

/// What an endpoint says; nobody where it names no user.
fn read(json: &[u8], limits: &TokenLimits, now: Timestamp) -> Result<Option<Vouched>, BadAnswer> {
    let answer: Answer = serde_json::from_slice(json)?;
    let Some(user) = answer.user.filter(|user| !user.is_empty()) else {
        return Ok(None);
    };
    if user.len() > limits.name || user.chars().any(char::is_control) {
        return Err(BadAnswer::User);
    }
    if answer
        .info
        .as_ref()
        .is_some_and(|info| info.get().len() > limits.info)
    {
        return Err(BadAnswer::Info);
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "what does not fit is cut to a day"
    )]
    let lasts = answer
        .expires_in
        .map_or(USUAL, |seconds| (seconds * 1000.0) as i64);
    Ok(Some(Vouched {
        user,
        info: answer.info,
        rooms: grants(answer.rooms.unwrap_or_default(), limits.rooms)?,
        asked: now,
        until: now.plus(lasts.clamp(SHORTEST, LONGEST)),
    }))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
