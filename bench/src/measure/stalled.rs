//! A thousand readers that do not read, while others publish as fast as they can: the server's resident memory, second by second, stays within
//! a bound. A third each by WebSocket, HTTP streaming and one-way SSE; a tenth of them go and come back every second, so that they stall at
//! different places. Twenty that do read get everything, in order.

use super::readers;
use crate::{
    http::Client,
    process::{Place, Program},
    report::{Budget, Report, Unit},
    socket::Socket,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

const SITE: &str = "stalled.example";
const CHANNEL: &str = "room:stalled.example:lobby";
/// What one stalled reader may cost: its task, buffers of 96 KiB on the way to the system, what waits for it that no other reader shares.
const EACH: u64 = 256 << 10;
/// Of those that read.
const QUICK: usize = 20;
/// What a stalled reader lets the system take in for it.
const WINDOW: u32 = 4096;

/// What to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// A directory for the server's data; made when missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The server's binary; without it, the one beside this program
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Readers that do not read
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// How long it takes
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Bytes of a publication
    #[arg(long, default_value_t = 4_096)]
    size: usize,
    /// How many publish at a time
    #[arg(long, default_value_t = 8)]
    publishers: usize,
}

/// Measures and prints.
pub async fn run(options: &Options) -> Result<()> {
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("pulsecast"));
    let binary = options.server.clone().map_or_else(beside, Ok)?;
    std::fs::create_dir_all(&options.data)?;
    let place = Place::at(&binary, &options.data)?;
    place.tell(&["site", "add", SITE], "")?;
    let key = place.tell(&["key", "add", "--site", SITE, "--right", "publish"], "")?;
    let token = [
        "visitor-token",
        "--site",
        SITE,
        "--user",
        "reader",
        "--room",
        "lobby=read",
    ];
    let token = place.tell(&token, "")?;
    let server = place.serve_with(&["--api-rate".to_owned(), "100000000".to_owned()])?;
    let mut report = Report::default();
    let measured = measure(options, &server, &key, &token, &mut report).await;
    measured.with_context(|| place.log())?;
    server.end().with_context(|| place.log())?;
    report.print();
    Ok(())
}

async fn measure(
    options: &Options,
    server: &Program,
    key: &str,
    token: &str,
    report: &mut Report,
) -> Result<()> {
    let address = server.address;
    let (heard, mut tasks) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..QUICK {
        let socket = readers::connect(address, token, &[CHANNEL.to_owned()]).await?;
        tasks.spawn(read(socket, heard.clone()));
    }
    let before = server.usage()?.resident;
    let mut stalled = VecDeque::new();
    for number in 0..options.readers {
        stalled.push_back(stall(address, token, number).await?);
    }
    let idle = server.usage()?.resident;
    let (published, going) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
    for _ in 0..options.publishers {
        let body = json!({"channel": CHANNEL, "data": {"text": "x".repeat(options.size)}}).to_string();
        let request = format!(
            "POST /api/publish HTTP/1.1\r\nhost: {address}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        tasks.spawn(publish(address, request, published.clone(), going.clone()));
    }
    let (began, mut most, mut next) = (Instant::now(), 0, options.readers);
    println!("| second | published | resident, MB | a stalled reader, KiB |\n|-|-|-|-|");
    for second in 1..=options.seconds {
        tokio::time::sleep((began + Duration::from_secs(second)).saturating_duration_since(Instant::now()))
            .await;
        if let Some(ended) = tasks.try_join_next() {
            ended??;
            bail!("a reader or publisher ended");
        }
        let resident = server.usage()?.resident;
        most = most.max(resident);
        let each = resident.saturating_sub(before) / options.readers as u64;
        println!(
            "| {second} | {} | {} | {} |",
            published.load(Relaxed),
            resident / 1_000_000,
            each / 1024
        );
        for _ in 0..options.readers / 10 {
            drop(stalled.pop_front());
            stalled.push_back(stall(address, token, next).await?);
            next += 1;
        }
    }
    let rate = published.load(Relaxed) as f64 / began.elapsed().as_secs_f64();
    going.store(false, Relaxed);
    // Those that read get the rest.
    let all = published.load(Relaxed) * QUICK as u64;
    let late = Instant::now();
    while heard.load(Relaxed) < all && late.elapsed() < Duration::from_secs(15) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let readers = options.readers;
    report.add("publications a second", Unit::Count, rate, None, Budget::None);
    report.add(
        format!("resident with {QUICK} readers that read"),
        Unit::Bytes,
        before as f64,
        None,
        Budget::None,
    );
    report.add(
        format!("and {readers} more, before the first publication"),
        Unit::Bytes,
        idle as f64,
        None,
        Budget::None,
    );
    let bound = before + readers as u64 * EACH;
    report.add(
        format!("the most while {readers} stall"),
        Unit::Bytes,
        most as f64,
        None,
        Budget::AtMost(bound as f64),
    );
    report.add(
        "heard by those that read",
        Unit::Count,
        heard.load(Relaxed) as f64,
        None,
        Budget::AtLeast(all as f64),
    );
    drop(stalled);
    Ok(())
}

async fn publish(
    address: SocketAddr,
    request: String,
    published: Arc<AtomicU64>,
    going: Arc<AtomicBool>,
) -> Result<()> {
    let mut client = Client::open(address).await?;
    while going.load(Relaxed) {
        let (status, answer) = client.ask(request.as_bytes()).await?;
        if status != 200 || answer.windows(7).any(|window| window == b"\"error\"") {
            bail!("{status}: {}", String::from_utf8_lossy(answer));
        }
        published.fetch_add(1, Relaxed);
    }
    // It is no reader that has ended.
    std::future::pending().await
}

/// Reads everything, and sees that nothing is missing.
async fn read(mut socket: Socket, heard: Arc<AtomicU64>) -> Result<()> {
    let mut last = 0;
    loop {
        let message = socket.next().await?;
        let mut pinged = false;
        for line in message.split(|byte| *byte == b'\n') {
            pinged |= line == b"{}";
            if !line.starts_with(br#"{"push""#) {
                continue;
            }
            let push: Value = serde_json::from_slice(line)?;
            let Some(offset) = push["push"]["pub"]["offset"].as_u64() else {
                continue;
            };
            if offset != last + 1 {
                bail!("{offset} came after {last}");
            }
            last = offset;
            heard.fetch_add(1, Relaxed);
        }
        if pinged {
            socket.send("{}").await?;
        }
    }
}

/// A reader that has subscribed, and reads no more.
async fn stall(address: SocketAddr, token: &str, number: usize) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let mut stream = socket.connect(address).await?;
    let hello = json!({"id": 1, "connect": {"token": token}}).to_string();
    let subscribe = json!({"id": 2, "subscribe": {"channel": CHANNEL}}).to_string();
    match number % 3 {
        0 => {
            let request = format!(
                "GET /connection/websocket HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: cHVsc2VjYXN0LWJlbmNoIQ==\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            until(&mut stream, "\r\n\r\n").await?;
            let text = format!("{hello}\n{subscribe}");
            let mut frame = crate::socket::frame(text.as_bytes(), 0x80);
            let at = frame.len() - text.len();
            frame.splice(at..at, [0; 4]);
            stream.write_all(&frame).await?;
            until(&mut stream, "\"subscribe\":{").await?;
        }
        1 => {
            let request = format!(
                "POST /connection/http_stream HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{hello}",
                hello.len()
            );
            stream.write_all(request.as_bytes()).await?;
            let greeting = until(&mut stream, "}}").await?;
            let name = |key: &str| {
                let rest = greeting.split_once(&format!("\"{key}\":\""))?.1;
                rest.split('"').next().map(str::to_owned)
            };
            let (session, node) = (name("session"), name("node"));
            let body = json!({"session": session, "node": node, "data": subscribe}).to_string();
            let request = format!(
                "POST /emulation HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let status = Client::open(address).await?.send(request.as_bytes()).await?;
            if status != 204 {
                bail!("a command beside a stream was answered with {status}: {greeting}");
            }
            until(&mut stream, "\"subscribe\":{").await?;
        }
        _ => {
            let wish = json!({"token": token, "subs": {CHANNEL: {}}}).to_string();
            let escaped: String = wish.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let request =
                format!("GET /connection/uni_sse?cf_connect={escaped} HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            until(&mut stream, "\"connect\":{").await?;
        }
    }
    Ok(stream)
}

/// Reads until this has come.
async fn until(stream: &mut TcpStream, what: &str) -> Result<String> {
    let mut text = String::new();
    let mut buffer = [0; 512];
    let reading = async {
        while !text.contains(what) {
            match stream.read(&mut buffer).await? {
                0 => bail!("the server hung up: {text}"),
                read => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
            }
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(15), reading)
        .await
        .with_context(|| format!("nothing with {what} in 15 s"))??;
    Ok(text)
}
