//! Streamed answers, line by line and event by event.

use reqwest::Response;

/// Lines of a response that goes on.
pub struct Lines {
    response: Response,
    read: Vec<u8>,
}

impl Lines {
    pub fn of(response: Response) -> Result<Self, reqwest::Error> {
        Ok(Self {
            response: response.error_for_status()?,
            read: Vec::new(),
        })
    }

    /// The next; `None` when the server is done, or gone.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            self.read.extend_from_slice(&self.response.chunk().await.ok()??);
        }
    }
}

/// One event of an `EventSource`.
#[derive(Debug, Default)]
pub struct Event {
    pub name: Option<String>,
    pub id: Option<String>,
    pub data: String,
}

/// Events of a response that goes on. What was not ended by an empty line never happened, as browsers have it.
pub struct Events {
    lines: Lines,
    event: Event,
}

impl Events {
    pub fn of(response: Response) -> Result<Self, reqwest::Error> {
        Ok(Self {
            lines: Lines::of(response)?,
            event: Event::default(),
        })
    }

    /// The next that holds something. Safe to be dropped while it waits.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let line = self.lines.next().await?;
            match line.split_once(':').unwrap_or((&line, "")) {
                ("", "") => {
                    let event = std::mem::take(&mut self.event);
                    if !event.data.is_empty() || event.id.is_some() {
                        return Some(event);
                    }
                }
                ("data", text) => self.event.data.push_str(text.trim_start()),
                ("id", text) => self.event.id = Some(text.trim_start().to_owned()),
                ("event", text) => self.event.name = Some(text.trim_start().to_owned()),
                // A comment, or when to come back.
                _ => {}
            }
        }
    }
}
