use super::*;
use serde_json::{Value, json};

/// A database in [MaxMind's format](https://maxmind.github.io/MaxMind-DB/) with one row for each of these /8 networks.
fn database(rows: &[(u8, Value)]) -> Vec<u8> {
    let (mut data, mut nodes, mut leaves) = (Vec::new(), vec![[None; 2]], Vec::new());
    for (network, row) in rows {
        let bits: Vec<usize> = (0..8).rev().map(|bit| usize::from(network >> bit & 1)).collect();
        let mut node = 0;
        for bit in &bits[..7] {
            node = match nodes[node][*bit] {
                Some(next) => next,
                None => {
                    nodes.push([None; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][*bit] = Some(next);
                    next
                }
            };
        }
        leaves.push((node, bits[7], data.len()));
        encode(row, &mut data);
    }
    let count = nodes.len();
    let mut records: Vec<[usize; 2]> = nodes
        .iter()
        .map(|node| node.map(|next| next.unwrap_or(count)))
        .collect();
    for (node, side, offset) in leaves {
        records[node][side] = count + 16 + offset;
    }
    let mut file: Vec<u8> = Vec::new();
    for record in records.iter().flatten() {
        file.extend(&u32::try_from(*record).unwrap().to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "database_type": "Test-City",
        "description": {}, "languages": [], "ip_version": 4, "node_count": count, "record_size": 24,
    });
    encode(&metadata, &mut file);
    file
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    let mut head = |kind: u8, size: usize| {
        let (short, more) = if size < 29 {
            (size, None)
        } else {
            (29, Some(size - 29))
        };
        let short = u8::try_from(short).unwrap();
        out.extend(if kind < 8 {
            vec![kind << 5 | short]
        } else {
            vec![short, kind - 7]
        });
        out.extend(more.map(|size| u8::try_from(size).unwrap()));
    };
    match value {
        Value::String(text) => {
            head(2, text.len());
            out.extend(text.as_bytes());
        }
        Value::Number(number) => {
            head(6, 4);
            out.extend(u32::try_from(number.as_u64().unwrap()).unwrap().to_be_bytes());
        }
        Value::Array(items) => {
            head(11, items.len());
            items.iter().for_each(|item| encode(item, out));
        }
        Value::Object(fields) => {
            head(7, fields.len());
            for (key, value) in fields {
                encode(&json!(key), out);
                encode(value, out);
            }
        }
        Value::Null | Value::Bool(_) => unreachable!("not in these databases"),
    }
}

fn cities() -> (tempfile::TempDir, Cities) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cities.mmdb");
    let named = |name: &str| json!({ "names": { "de": "anders", "en": name }, "geoname_id": 1 });
    let maxmind = json!({
        "city": named("Berlin"), "country": { "iso_code": "DE", "names": { "en": "Germany" } }, "location": { "metro": 7 },
        "subdivisions": [{ "iso_code": "BE", "names": { "en": "Land Berlin" } }],
    });
    let db_ip = json!({
        "city": named("Munich"), "country": { "iso_code": "DE" }, "subdivisions": [named("Bavaria"), named("Upper Bavaria")],
    });
    let flat = json!({ "city": "Oakland", "country_code": "US", "state1": "California", "state2": "" });
    let country_only = json!({ "country": { "iso_code": "FR" } });
    std::fs::write(
        &path,
        database(&[(81, maxmind), (82, db_ip), (200, flat), (201, country_only)]),
    )
    .unwrap();
    let cities = Cities::open(&[path]).unwrap();
    (dir, cities)
}

#[test]
fn places_are_read_from_every_format_there_is() {
    let (_dir, cities) = cities();
    for (ip, country, region, city) in [
        ("81.1.2.3", Some("DE"), Some("DE-BE"), Some("Berlin")),
        ("::ffff:81.1.2.3", Some("DE"), Some("DE-BE"), Some("Berlin")),
        ("82.1.2.3", Some("DE"), Some("Bavaria"), Some("Munich")),
        ("200.1.2.3", Some("US"), Some("US-CA"), Some("Oakland")),
        ("201.1.2.3", Some("FR"), None, None),
        ("10.0.0.1", None, None, None),
        ("2001:db8::1", None, None, None),
    ] {
        let place = cities.of(ip.parse().unwrap());
        assert_eq!(
            (
                place.country.as_deref(),
                place.region.as_deref(),
                place.city.as_deref()
            ),
            (country, region, city),
            "{ip}"
        );
    }
}

#[test]
fn without_a_database_nothing_is_known_and_a_wrong_file_is_told() {
    assert_eq!(
        Cities::default().of("81.1.2.3".parse().unwrap()),
        Place::default()
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.mmdb");
    std::fs::write(&path, "no database").unwrap();
    let error = Cities::open(&[path]).unwrap_err().to_string();
    assert!(
        error.contains("x.mmdb") && error.contains("--city-database"),
        "{error}"
    );
}
