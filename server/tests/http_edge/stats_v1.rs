//! What the older addresses of Plausible's Stats API refuse, and how; what they answer is told in `stats_clients`.

use crate::{
    api_keys::{error, key_for, world},
    support::Server,
};
use pulsecast_server::store::accounts::KeyRight;
use serde_json::Value;

async fn get(server: &Server, key: &str, address: &str) -> (u16, Value) {
    let request = reqwest::Client::new().get(server.url(address)).bearer_auth(key);
    error(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_wrong_parameter_is_named_as_v1_calls_it() {
    let (server, key) = world().await;
    for (address, says) in [
        ("aggregate", "site_id: is required"),
        (
            "aggregate?site_id=example.com&period=7days",
            "period: no such period \"7days\"",
        ),
        (
            "aggregate?site_id=example.com&period=custom",
            "date: is required with period=custom",
        ),
        (
            "aggregate?site_id=example.com&period=custom&date=2026-02-30,2026-03-01",
            "date[0]: there is no day",
        ),
        (
            "aggregate?site_id=example.com&metrics=visitors,visitorz",
            "metrics[1]: no such metric",
        ),
        (
            "aggregate?site_id=example.com&filters=visit:source",
            "filters: `visit:source` has neither",
        ),
        (
            "aggregate?site_id=example.com&filters=visit:moon==x",
            "filters[0][1]: no such dimension",
        ),
        (
            "aggregate?site_id=example.com&compare=yesterday",
            "compare: no such comparison",
        ),
        (
            "timeseries?site_id=example.com&interval=decade",
            "interval: is none of",
        ),
        ("breakdown?site_id=example.com", "property: is required"),
        (
            "breakdown?site_id=example.com&property=visit:moon",
            "property: no such dimension",
        ),
        (
            "breakdown?site_id=example.com&property=event:page&limit=1001",
            "limit: has to be a whole number from 1 to 1000",
        ),
        (
            "breakdown?site_id=example.com&property=event:page&page=0",
            "page: has to be a whole number",
        ),
    ] {
        let (status, body) = get(&server, &key, &format!("/api/v1/stats/{address}")).await;
        let said = body["error"].as_str().unwrap();
        assert!(
            status == 400 && said.starts_with(says),
            "{address}: {status} {said}"
        );
    }
}

#[tokio::test]
async fn a_key_is_asked_for_and_has_to_be_for_the_site() {
    let (server, key) = world().await;
    for address in [
        "stats/realtime/visitors",
        "stats/aggregate",
        "stats/timeseries",
        "stats/breakdown",
    ] {
        let address = format!("/api/v1/{address}?site_id=example.org&property=event:page");
        assert_eq!(get(&server, "pc_nothing", &address).await.0, 401);
        assert_eq!(get(&server, &key, &address).await.0, 401);
    }
    assert_eq!(get(&server, "", "/api/v1/sites").await.0, 401);
}

#[tokio::test]
async fn a_key_lists_the_sites_it_is_good_for() {
    let (server, key) = world().await;
    let domains = |body: &Value| -> Vec<String> {
        let sites = body["sites"].as_array().unwrap();
        sites
            .iter()
            .map(|site| site["domain"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, one) = get(&server, &key, "/api/v1/sites").await;
    assert_eq!(domains(&one), ["example.com"]);
    let all = key_for(&server, None, KeyRight::Stats).await;
    let (_, first) = get(&server, &all, "/api/v1/sites?limit=1").await;
    assert_eq!(
        (domains(&first), &first["meta"]["after"]),
        (vec!["example.com".to_owned()], &"example.com".into())
    );
    let (_, rest) = get(&server, &all, "/api/v1/sites?limit=1&after=example.com").await;
    assert_eq!(
        (domains(&rest), &rest["meta"]["after"]),
        (vec!["example.org".to_owned()], &Value::Null)
    );
    let (status, site) = get(&server, &key, "/api/v1/sites/example.com").await;
    assert_eq!((status, site["timezone"].as_str()), (200, Some("UTC")));
    assert_eq!(
        get(&server, &key, "/api/v1/sites/goals?site_id=example.com")
            .await
            .0,
        200
    );
}
