//! `pulsecast dev DIR`: a folder whose pages reload when they are saved.

use crate::program::Place;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};

struct Dev {
    place: Place,
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Dev {
    fn start() -> Self {
        let place = Place::new();
        let folder = place.path().join("folder");
        fs::create_dir_all(folder.join("blog")).unwrap();
        fs::create_dir_all(folder.join("node_modules/x")).unwrap();
        fs::write(folder.join("index.html"), "<body><p>one</p></body>").unwrap();
        fs::write(folder.join("style.css"), "p{}").unwrap();
        let mut child = place
            .command(&["dev", folder.to_str().unwrap(), "--addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            place,
            child,
            url: url.expect("it says where it listens"),
            client: reqwest::Client::new(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join("folder").join(name)
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// What a page is told, one message after the other.
    async fn page(&self) -> Page {
        let response = self
            .client
            .get(format!("{}/.pulsecast/changes", self.url))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut page = Page {
            response,
            text: String::new(),
        };
        let hello = page.next().await;
        assert!(hello.contains("epoch"), "{hello}");
        page
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

struct Page {
    response: reqwest::Response,
    text: String,
}

impl Page {
    async fn next(&mut self) -> String {
        let message = async {
            loop {
                if let Some(end) = self.text.find("\n\n") {
                    let message: String = self.text.drain(..end + 2).collect();
                    if let Some(data) = message.trim().strip_prefix("data: ") {
                        return data.to_owned();
                    }
                    continue;
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(10), message)
            .await
            .expect("the page is told")
    }

    async fn change(&mut self) -> String {
        let told: serde_json::Value = serde_json::from_str(&self.next().await).unwrap();
        told["push"]["pub"]["data"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn pages_are_served_with_the_script_and_everything_else_as_it_is() {
    let dev = Dev::start();
    let (status, page) = dev.get("/").await;
    assert_eq!(status, 200);
    assert_eq!(
        page,
        "<body><p>one</p><script src=\"/.pulsecast/reload.js\" defer></script></body>"
    );
    assert_eq!(dev.get("/style.css").await, (200, "p{}".to_owned()));
    let (status, missing) = dev.get("/missing").await;
    assert_eq!(status, 404);
    assert!(
        missing.contains("reload.js"),
        "a page that is saved later shows up by itself"
    );
    assert_eq!(dev.get("/..%2f..%2fetc/passwd").await.0, 404);
    let foreign = dev
        .client
        .get(&dev.url)
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 403, "no other name for this machine");
    let part = dev
        .client
        .get(format!("{}/style.css", dev.url))
        .header("range", "bytes=1-")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (part.status().as_u16(), part.text().await.unwrap().as_str()),
        (206, "{}")
    );
}

#[tokio::test]
async fn a_saved_page_is_told_and_noise_is_not() {
    let dev = Dev::start();
    let mut page = dev.page().await;
    for noise in [".index.html.swp", "index.html~", "4913", "node_modules/x/y.js"] {
        fs::write(dev.file(noise), "noise").unwrap();
    }
    fs::write(dev.file("style.css"), "p{color:red}").unwrap();
    assert_eq!(
        page.change().await,
        "style",
        "the first thing that a page hears of"
    );
    fs::write(dev.file("index.html"), "two").unwrap();
    assert_eq!(page.change().await, "page");
    // As editors save: into another file that then takes the name.
    fs::write(dev.file("index.html.tmp"), "three").unwrap();
    fs::rename(dev.file("index.html.tmp"), dev.file("index.html")).unwrap();
    assert_eq!(page.change().await, "page");
    assert!(dev.get("/").await.1.starts_with("three"));
}

#[tokio::test]
async fn a_folder_that_is_made_later_is_watched_too() {
    let dev = Dev::start();
    let mut page = dev.page().await;
    fs::create_dir_all(dev.file("new/deep")).unwrap();
    assert_eq!(page.change().await, "page");
    fs::write(dev.file("new/deep/a.css"), "p{}").unwrap();
    assert_eq!(page.change().await, "style");
    fs::write(dev.file("blog/post.html"), "hi").unwrap();
    assert_eq!(page.change().await, "page");
}

#[test]
fn what_is_no_folder_is_told_so_in_one_line() {
    let place = Place::new();
    let output = place.run(&["dev", "/nowhere/at/all"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("give a folder that exists"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}
