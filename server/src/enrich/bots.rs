//! Programs that are no visitors, told by their user agent, by the lists of `crawler-user-agents` (which names them) and `isbot`.

use fancy_regex::Regex as Fancy;
use regex::bytes::{RegexSet, RegexSetBuilder};

/// The lists, compiled.
#[derive(Debug)]
pub struct Bots {
    names: Vec<String>,
    crawlers: RegexSet,
    plain: RegexSet,
    plain_patterns: Vec<String>,
    looking_around: Vec<Fancy>,
}

/// A list that cannot be compiled: a fault of the build.
#[derive(Debug, thiserror::Error)]
#[error("the embedded list of bots cannot be read: {0}")]
pub struct BotListError(String);

impl Bots {
    /// The lists that came with this binary.
    ///
    /// # Errors
    /// When they cannot be compiled.
    pub fn embedded() -> Result<Self, BotListError> {
        let fault = |e: &dyn std::fmt::Display| BotListError(e.to_string());
        let crawlers: Vec<String> =
            serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/crawlers.json")))
                .map_err(|e| fault(&e))?;
        let isbot: Vec<String> = serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/isbot.json")))
            .map_err(|e| fault(&e))?;
        let isbot: Vec<String> = isbot.iter().map(|pattern| rust_classes(pattern)).collect();
        // isbot's patterns are JavaScript's: a few look around, which the linear-time engine does not do.
        let (around, plain): (Vec<String>, Vec<String>) = isbot
            .into_iter()
            .partition(|p| p.contains("(?<") || p.contains("(?!") || p.contains("(?="));
        let set = |patterns: &[String], any_case: bool| {
            RegexSetBuilder::new(patterns)
                .case_insensitive(any_case)
                .unicode(false)
                .size_limit(64 << 20)
                .build()
        };
        // The crawlers' patterns escape `/`, which Rust's engine takes as it is meant.
        let looking_around = around
            .iter()
            .map(|p| Fancy::new(&format!("(?i){p}")).map_err(|e| fault(&e)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            names: crawlers.iter().map(|p| name(p)).collect(),
            crawlers: set(&crawlers, false).map_err(|e| fault(&e))?,
            plain: set(&plain, true).map_err(|e| fault(&e))?,
            plain_patterns: plain,
            looking_around,
        })
    }

    /// The bot's name, where this user agent is one's. Takes tens of microseconds: ask once a user agent.
    #[must_use]
    pub fn name_of(&self, user_agent: &str) -> Option<String> {
        if user_agent.trim().is_empty() {
            return Some("empty user agent".to_owned());
        }
        if let Some(index) = self.crawlers.matches(user_agent.as_bytes()).iter().next() {
            return self.names.get(index).cloned();
        }
        if let Some(index) = self.plain.matches(user_agent.as_bytes()).iter().next() {
            return self.plain_patterns.get(index).map(|pattern| name(pattern));
        }
        // An error is a pattern that backtracked too far: not a bot that anybody listed.
        self.looking_around
            .iter()
            .any(|p| p.is_match(user_agent).unwrap_or(false))
            .then(|| "bot".to_owned())
    }
}

/// In JavaScript's `[\\w-.]` the hyphen stands for itself; Rust wants that said.
fn rust_classes(pattern: &str) -> String {
    pattern
        .replace("\\w-", "\\w\\-")
        .replace("\\d-", "\\d\\-")
        .replace("\\s-", "\\s\\-")
}

/// What a pattern is looking for, readable: `Googlebot\/` is `Googlebot`.
fn name(pattern: &str) -> String {
    let mut name = String::new();
    let mut escaped = false;
    for c in pattern.chars() {
        match c {
            '\\' => escaped = !escaped,
            'b' | 'd' | 'w' | 's' if escaped => escaped = false,
            c if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.') => {
                name.push(c);
                escaped = false;
            }
            '[' | '(' if !name.trim().is_empty() => break,
            _ => escaped = false,
        }
    }
    let name = name.trim().to_owned();
    if name.is_empty() { "bot".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_are_told_by_name_and_people_are_not() {
        let bots = Bots::embedded().unwrap();
        assert_eq!(
            bots.name_of("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
                .as_deref(),
            Some("Googlebot")
        );
        for bot in [
            "",
            "curl/8.5.0",
            "python-requests/2.31",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
        ] {
            assert!(bots.name_of(bot).is_some(), "{bot}");
        }
        for person in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        ] {
            assert_eq!(bots.name_of(person), None, "{person}");
        }
    }
}
