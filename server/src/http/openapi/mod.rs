//! `GET /api/openapi.json`: what programs can ask of this server, described so that they can be generated from it. `stats_api` in the tests
//! sends every example that is written here to a real server and holds the answers against the schemas.

mod paths;
mod push;
mod schemas;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::header;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

/// The description's address.
pub fn routes() -> Router {
    let text = Bytes::from(document());
    Router::new().route("/api/openapi.json", get(move || answer(text.clone())))
}

async fn answer(text: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        // Nothing in it is anybody's secret, and tools that draw it run elsewhere.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, text).into_response()
}

fn document() -> String {
    let document = Description::openapi();
    document.to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the API's description cannot be written");
        "{}".to_owned()
    })
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pulsecast",
        description = "Statistics as Plausible's Stats API has them, versions 1 and 2, and the events API that counts. Programs written for \
                       Plausible work with this server's address and one of its keys.",
        license(name = "see the repository")
    ),
    paths(
        paths::query,
        paths::realtime,
        paths::aggregate,
        paths::timeseries,
        paths::breakdown,
        paths::sites,
        paths::site,
        paths::goals,
        paths::event,
        push::publish,
        push::broadcast,
        push::batch,
        push::history,
        push::presence,
        push::presence_stats,
        push::channels,
    ),
    tags(
        (name = "stats", description = "Questions about a site's history. Needs a key for statistics."),
        (name = "stats, version 1", description = "The older addresses of the same."),
        (name = "sites", description = "Which sites a key is good for."),
        (name = "publishing", description = "How a site's own programs publish to its visitors. Needs a key for publishing; docs/publish.md says more."),
        (name = "events", description = "How pages report what happens on them. Needs no key: the page's hostname decides.")
    ),
    modifiers(&Key)
)]
struct Description;

/// How a key is shown.
struct Key;

impl Modify for Key {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("pc_…")
            .description(Some(
                "An API key: made at /sites/{domain}/keys or with `pulsecast key add`, shown once, of one site or of all that its maker may \
                 see. Each may be used `--api-rate` times a minute (600), then 429 with Retry-After.",
            ))
            .build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
        let publishing = ApiKeyValue::with_description(
            "X-API-Key",
            "An API key with the right to publish: `pulsecast key add --right publish`.",
        );
        components.add_security_scheme("publish_key", SecurityScheme::ApiKey(ApiKey::Header(publishing)));
    }
}
