//! The programs under measurement: started, asked what they use, ended. Reads `/proc`, so Linux only.

use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// What `/proc` counts processor time in, on every Linux that we know of.
const TICK: Duration = Duration::from_millis(10);

/// What the server keeps, and the binary that keeps it.
#[derive(Clone, Debug)]
pub struct Place {
    binary: PathBuf,
    data: PathBuf,
    site: PathBuf,
}

impl Place {
    /// A data directory of its own under `dir`.
    pub fn new(binary: &Path, dir: &Path, name: &str) -> Result<Self> {
        let (data, site) = (dir.join(name), dir.join("site"));
        fs::create_dir_all(site.join("pkg"))?;
        fs::create_dir_all(&data)?;
        Ok(Self {
            binary: binary.to_owned(),
            data,
            site,
        })
    }

    /// A data directory that is kept; the server finds no files of the site's own there.
    pub fn at(binary: &Path, data: &Path) -> Result<Self> {
        let site = data.join("site");
        fs::create_dir_all(site.join("pkg"))?;
        Ok(Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            site,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env("PULSECAST_DATA", &self.data)
            .env("PULSECAST_SITE_ROOT", &self.site);
        command
    }

    /// Runs one of the command line's commands; gives what it printed.
    pub fn tell(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("`pulsecast {}` failed", arguments.join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Starts the server.
    pub fn serve(&self) -> Result<Program> {
        self.serve_with(&[])
    }

    /// Starts the server with more on its command line.
    pub fn serve_with(&self, flags: &[String]) -> Result<Program> {
        let log = File::create(self.data.join("server.log"))?;
        let mut command = self.command(&[
            "serve",
            "--addr",
            "127.0.0.1:0",
            "--trusted-proxies",
            "127.0.0.0/8",
            "--log",
            "warn",
        ]);
        command.args(flags).stderr(log);
        Program::start(command)
            .with_context(|| format!("the log is {}", self.data.join("server.log").display()))
    }

    /// How long the program takes to be loaded, say its version and end.
    pub fn load_time(&self) -> Result<Duration> {
        let began = Instant::now();
        self.tell(&["--version"], "")?;
        Ok(began.elapsed())
    }

    /// Bytes of the event store.
    pub fn store_bytes(&self) -> u64 {
        ["events.duckdb", "events.duckdb.wal"]
            .iter()
            .filter_map(|name| fs::metadata(self.data.join(name)).ok())
            .map(|file| file.len())
            .sum()
    }

    /// The last lines that the server logged.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(self.data.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// A running server, or what it is compared with.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// When it was started.
    pub began: Instant,
}

impl Program {
    /// One of this binary's own floors.
    pub fn floor(name: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", name]);
        Self::start(command)
    }

    fn start(mut command: Command) -> Result<Self> {
        let began = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("listening on http://")?.parse().ok());
        let Some(address) = address else {
            drop(child.kill());
            bail!("{command:?} did not say where it listens");
        };
        // Read on, so that it never waits for a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Ok(Self {
            child,
            address,
            began,
        })
    }

    /// What it has used so far.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// Processor time by the names of its threads.
    pub fn threads(&self) -> Result<BTreeMap<String, Duration>> {
        let mut threads = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may end while we look.
            let stat = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            if let Some((name, cpu)) = name_and_cpu(&stat) {
                *threads.entry(name.to_owned()).or_default() += cpu;
            }
        }
        Ok(threads)
    }

    /// Asks it to end and waits for that.
    pub fn end(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    bail!("the server ended with {status}")
                };
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end in {} s", PATIENCE.as_secs())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time of all its threads, the kernel's work for it included.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub resident: u64,
    /// The most there ever was, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Of this program itself.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id())
    }

    fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
        let (_, cpu) = name_and_cpu(&stat).context("strange /proc/PID/stat")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let memory = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace()
                .next()?
                .parse::<u64>()
                .ok()
                .map(|kib| kib * 1024)
        };
        Ok(Self {
            cpu,
            resident: memory("VmRSS:").unwrap_or_default(),
            peak: memory("VmHWM:").unwrap_or_default(),
        })
    }
}

/// Of a `stat` file: the name, in parentheses and of any characters, and user and system time.
fn name_and_cpu(stat: &str) -> Option<(&str, Duration)> {
    let (start, fields) = stat.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<u32>().ok())
        .sum();
    Some((name, TICK * ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_name_does_not_hide_the_time() {
        let stat = "7 (a) (b) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 4 0 1 1 1";
        assert_eq!(name_and_cpu(stat), Some(("a) (b", Duration::from_secs(2))));
    }
}
