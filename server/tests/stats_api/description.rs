//! What `/api/openapi.json` says is so: every path is there, every example is understood, every answer is what its schema says.

use crate::{program::BROWSER, schema::Schemas, world::World};
use reqwest::{Method, Response, Url};
use serde_json::{Value, json};

/// A thing that the description says can be done, and a request that does it.
struct Told {
    method: Method,
    path: String,
    operation: Value,
}

async fn description(world: &World) -> Value {
    let answer = world.server.get("/api/openapi.json").await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

fn operations(description: &Value) -> Vec<Told> {
    let mut all = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push(Told {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                operation: operation.clone(),
            });
        }
    }
    assert!(all.len() >= 9, "the description is gone");
    all
}

impl Told {
    /// The address with the examples of its parameters.
    fn url(&self, world: &World) -> Url {
        let mut path = self.path.clone();
        let mut query = Vec::new();
        for parameter in self.operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = match &parameter["example"] {
                Value::Null => {
                    assert_eq!(
                        parameter["required"],
                        json!(false),
                        "{}: {name} is required and has no example",
                        self.path
                    );
                    continue;
                }
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &example);
            } else {
                query.push((name.to_owned(), example));
            }
        }
        Url::parse_with_params(&world.url(&path), query).unwrap()
    }

    /// Bodies to send: the examples, or none.
    fn bodies(&self) -> Vec<Option<Value>> {
        let content = &self.operation["requestBody"]["content"]["application/json"];
        match content["examples"].as_object() {
            Some(examples) => examples
                .values()
                .map(|example| Some(example["value"].clone()))
                .collect(),
            None => vec![None],
        }
    }

    async fn send(&self, world: &World, body: Option<&Value>) -> Response {
        let mut request = world
            .server
            .client
            .request(self.method.clone(), self.url(world))
            .header("user-agent", BROWSER)
            // Where it is not usual, refusals are to have a status of their own.
            .header("x-centrifugo-error-mode", "transport");
        if self.operation["security"][0]["publish_key"].is_array() {
            request = request.header("x-api-key", &world.publish_key);
        } else if !self.operation["security"].is_null() {
            request = world.with_key(request);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    fn schema(&self, status: u16) -> &Value {
        let response = &self.operation["responses"][status.to_string()];
        assert!(response.is_object(), "{}: {status} is not described", self.path);
        &response["content"]["application/json"]["schema"]
    }
}

#[tokio::test]
async fn every_example_is_answered_as_described() {
    let world = World::start().await;
    let description = description(&world).await;
    let schemas = Schemas(&description["components"]["schemas"]);
    let mut asked = 0;
    for told in operations(&description) {
        for body in told.bodies() {
            if let Some(body) = &body {
                let schema = &told.operation["requestBody"]["content"]["application/json"]["schema"];
                schemas.check(schema, body, &told.path).unwrap();
            }
            let answer = told.send(&world, body.as_ref()).await;
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            assert!(status < 300, "{} {body:?}: {status} {text}", told.path);
            let schema = told.schema(status);
            if schema.is_object() {
                let value: Value = serde_json::from_str(&text).unwrap();
                schemas
                    .check(schema, &value, &told.path)
                    .unwrap_or_else(|wrong| panic!("{body:?}: {wrong}"));
            }
            asked += 1;
        }
    }
    assert!(asked >= 15, "{asked} examples");
}

#[tokio::test]
async fn the_examples_ask_for_something_that_is_there() {
    let world = World::start().await;
    let description = description(&world).await;
    for told in operations(&description)
        .iter()
        .filter(|told| told.path == "/api/v2/query")
    {
        for body in told.bodies().into_iter().flatten() {
            let days = body["date_range"]
                .as_str()
                .is_some_and(|range| range.ends_with('d') || range.ends_with("mo"));
            let answer: Value = told.send(&world, Some(&body)).await.json().await.unwrap();
            let rows = answer["results"].as_array().unwrap();
            assert!(
                !days || rows.iter().any(|row| row["metrics"][0].as_f64().unwrap() > 0.0),
                "{body}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn every_refusal_is_as_described_too() {
    let world = World::start().await;
    let description = description(&world).await;
    let schemas = Schemas(&description["components"]["schemas"]);
    for told in operations(&description) {
        for (status, response) in told.operation["responses"].as_object().unwrap() {
            let content = &response["content"]["application/json"];
            if !content["example"].is_null() {
                schemas
                    .check(
                        &content["schema"],
                        &content["example"],
                        &format!("{} {status}", told.path),
                    )
                    .unwrap();
            }
        }
        if !told.operation["security"].is_null() {
            let answer = world
                .server
                .client
                .request(told.method.clone(), told.url(&world))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 401, "{} without a key", told.path);
            schemas
                .check(told.schema(401), &answer.json().await.unwrap(), &told.path)
                .unwrap();
        }
        if told.method == Method::POST {
            let answer = told.send(&world, Some(&json!({"site_id": 7}))).await;
            assert_eq!(answer.status(), 400, "{}", told.path);
            schemas
                .check(told.schema(400), &answer.json().await.unwrap(), &told.path)
                .unwrap();
        }
    }
}

#[tokio::test]
async fn names_that_the_description_lists_are_the_ones_that_are_understood() {
    let world = World::start().await;
    let description = description(&world).await;
    let schemas = &description["components"]["schemas"];
    let names = |list: &Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    for dimension in names(&schemas["DimensionName"]["anyOf"][0]["enum"]) {
        world.query(&json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "day", "dimensions": [dimension]})).await;
    }
    for dimension in names(&schemas["DimensionName"]["anyOf"][1]["enum"]) {
        let by_name = world.query(&json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "28d", "dimensions": [dimension]})).await;
        assert!(
            by_name["results"]
                .as_array()
                .unwrap()
                .iter()
                .any(|row| row["dimensions"][0].as_str().unwrap().len() > 5),
            "{by_name}"
        );
    }
    for period in names(&schemas["DateRange"]["anyOf"][0]["enum"]) {
        world
            .query(&json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": period}))
            .await;
    }
    for metric in names(&schemas["MetricName"]["enum"]) {
        let query = json!({
            "site_id": "example.com", "metrics": [metric], "date_range": "day",
            "dimensions": if metric == "exit_rate" { vec!["visit:exit_page"] } else { vec!["event:page"] },
            "filters": if metric == "exit_rate" { json!([]) } else { json!([["is", "event:goal", ["Signup"]]]) },
        });
        world.query(&query).await;
    }
}
