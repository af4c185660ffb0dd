//! The real binary, started and ended by tests.

use std::{
    fs,
    future::Future,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A user agent of a person.
pub const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

/// A data directory and the files that `serve` wants to see.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("site/pkg")).unwrap();
        Self { dir }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulsecast"));
        command.args(arguments);
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        command
            .env("PULSECAST_DATA", self.data())
            .env("PULSECAST_SITE_ROOT", self.dir.path().join("site"));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command to its end, with text on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Starts the server on a free port and waits until it says where.
    pub fn serve(&self) -> Running {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, arguments: &[&str]) -> Running {
        self.start(&[&["serve", "--addr", "127.0.0.1:0"], arguments].concat())
    }

    /// Starts the server where it was before.
    pub fn serve_at(&self, address: &str) -> Running {
        self.start(&["serve", "--addr", address])
    }

    /// Starts the server so that files which may not grow are errors to it ([`Running::limit_files`]) and not its end.
    pub fn serve_within_limits(&self) -> Running {
        let mut command = Command::new("sh");
        let script = "trap '' XFSZ; exec \"$0\" serve --addr 127.0.0.1:0";
        command.args(["-c", script, env!("CARGO_BIN_EXE_pulsecast")]);
        self.start_as(self.at_home(command))
    }

    fn start(&self, arguments: &[&str]) -> Running {
        self.start_as(self.command(arguments))
    }

    fn start_as(&self, mut command: Command) -> Running {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned));
        let Some(url) = url else {
            let mut error = String::new();
            child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
            panic!("the server did not start: {error}");
        };
        // Read on, so that the server never waits for a full pipe.
        let mut stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        std::thread::spawn(move || lines.for_each(drop));
        Running {
            child,
            url,
            client: reqwest::Client::new(),
        }
    }

    /// Lines of the site's raw events.
    pub fn export(&self, site: &str) -> Vec<serde_json::Value> {
        let output = self.run(&["export", "--site", site]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A running server.
pub struct Running {
    child: Child,
    pub url: String,
    pub client: reqwest::Client,
}

impl Running {
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// A person looks at a page of the demo site.
    pub async fn visit(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        let body =
            serde_json::json!({ "n": "pageview", "d": "demo", "u": format!("http://localhost{path}") });
        self.post(body.to_string()).await
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::Result<reqwest::Response> {
        self.client
            .post(format!("{}/api/event", self.url))
            .header("user-agent", BROWSER)
            .body(body)
            .send()
            .await
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap()
    }

    /// The value of a counter, by its name with labels as `/metrics` writes it; 0 when it was never counted.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Its files may grow to so many bytes from now on, as if the disk were full; `None`: as large as they like.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let (pid, size) = (self.child.id().to_string(), format!("--fsize={limit}:unlimited"));
        let limited = Command::new("prlimit")
            .args(["--pid", &pid, &size])
            .status()
            .unwrap();
        assert!(limited.success());
    }

    /// Waits until it has ended by itself, at most half a minute. Gives whether it ended well.
    pub async fn ended(&mut self) -> bool {
        let wait = async {
            loop {
                match self.child.try_wait().unwrap() {
                    Some(status) => return status.success(),
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(30), wait).await;
        ended.expect("it does not end")
    }

    /// `kill -9`, without waiting for the end.
    pub fn kill(&self) {
        assert!(
            Command::new("kill")
                .args(["-KILL", &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// `kill -9`.
    pub fn kill9(mut self) {
        self.kill();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for it. Gives whether it ended well.
    pub fn end(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something is so, at most ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), wait).await.is_ok(),
        "not in ten seconds: {what}"
    );
}
