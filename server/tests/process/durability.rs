//! What was acknowledged is there, whatever happens to the process.

use crate::program::Place;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_event_survives_kill_9_under_load() {
    let place = Place::new();
    let mut acknowledged = BTreeSet::new();
    let mut sent = 0;
    for round in 0..6 {
        let server = Arc::new(place.serve());
        let next = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let visitors: Vec<_> = (0..16)
            .map(|_| {
                let (server, next, stop) = (server.clone(), next.clone(), stop.clone());
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let path = format!("/{round}/{}", next.fetch_add(1, Ordering::Relaxed));
                        // A request that dies with the server was not acknowledged.
                        match server.visit(&path).await {
                            Ok(response) if response.status() == 202 => mine.push(path),
                            Ok(_) => {}
                            Err(_) => break,
                        }
                    }
                    mine
                })
            })
            .collect();
        // Not at the same moment of the feeder's rhythm each time.
        let enough = 300 + round * 177;
        while next.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for visitor in visitors {
            acknowledged.extend(visitor.await.unwrap());
        }
        sent += next.load(Ordering::Relaxed);
        Arc::into_inner(server).unwrap().kill9();
    }
    let stored: Vec<String> = place
        .export("demo")
        .iter()
        .map(|event| event["path"].as_str().unwrap().to_owned())
        .collect();
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    println!(
        "{sent} sent, {} acknowledged, {} stored in six rounds",
        acknowledged.len(),
        stored.len()
    );
    assert!(
        acknowledged.len() > 1000,
        "the rounds were too short to mean anything: {}",
        acknowledged.len()
    );
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(distinct.len(), stored.len(), "an event was stored twice");
}

#[tokio::test]
async fn a_visit_goes_on_after_a_restart_and_the_live_page_remembers() {
    let place = Place::new();
    let server = place.serve();
    assert_eq!(server.visit("/first").await.unwrap().status(), 202);
    server.kill9();
    let server = place.serve();
    assert_eq!(server.visit("/second").await.unwrap().status(), 202);
    assert!(server.end(), "it ends well when asked to");
    let events = place.export("demo");
    let visits: BTreeSet<String> = events.iter().map(|event| event["visit"].to_string()).collect();
    assert_eq!((events.len(), visits.len()), (2, 1), "{events:?}");
    let keys: BTreeSet<&str> = events[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(!keys.contains("ip") && !keys.contains("user_agent"), "{keys:?}");
}
