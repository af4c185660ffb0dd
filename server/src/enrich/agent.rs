//! What a user agent says: browser, system, device, or that it is a bot. Read once a user agent, then remembered.

use super::bots::{BotListError, Bots};
use parking_lot::RwLock;
use std::{collections::HashMap, fmt, sync::Arc};
use ua_parser::{Extractor, Regexes};

/// How many user agents are remembered; beyond, all are forgotten and read again. Real visitors use a few thousand.
const REMEMBERED: usize = 10_000;
/// User agents are read up to this many bytes; the rest is noise or an attack.
const LONGEST: usize = 1000;

/// What a user agent says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// `Chrome`, `Safari`.
    pub browser: Option<String>,
    /// Major version.
    pub browser_version: Option<String>,
    /// `Windows`, `Mac`, `iOS`, `Android`, `GNU/Linux`.
    pub os: Option<String>,
    /// `10`, `17.5`.
    pub os_version: Option<String>,
    /// `Desktop`, `Mobile`, `Tablet`, `TV`.
    pub device: Option<String>,
    /// The bot's name, where it is one.
    pub bot: Option<String>,
}

/// Reads user agents by uap-core's rules. A cheap handle.
#[derive(Clone)]
pub struct Agents(Arc<Shared>);

struct Shared {
    rules: Extractor<'static>,
    bots: Bots,
    remembered: RwLock<HashMap<Box<str>, Arc<Agent>>>,
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents")
            .field("remembered", &self.0.remembered.read().len())
            .finish_non_exhaustive()
    }
}

/// Embedded rules that cannot be compiled: a fault of the build.
#[derive(Debug, thiserror::Error)]
pub enum AgentRulesError {
    /// Not YAML.
    #[error("the embedded user-agent rules cannot be read: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// Not regular expressions.
    #[error("the embedded user-agent rules cannot be compiled: {0}")]
    Rules(#[from] ua_parser::Error),
    /// See [`BotListError`].
    #[error(transparent)]
    Bots(#[from] BotListError),
}

impl Agents {
    /// The rules and lists that came with this binary. Takes a few hundred milliseconds.
    ///
    /// # Errors
    /// When they cannot be compiled.
    pub fn embedded() -> Result<Self, AgentRulesError> {
        let rules: Regexes<'static> =
            serde_yaml_ng::from_str(include_str!(concat!(env!("OUT_DIR"), "/user-agents.yaml")))?;
        Ok(Self(Arc::new(Shared {
            rules: rules.try_into()?,
            bots: Bots::embedded()?,
            remembered: RwLock::default(),
        })))
    }

    /// What this user agent says.
    #[must_use]
    pub fn read(&self, user_agent: &str) -> Arc<Agent> {
        let user_agent = clip(user_agent);
        if let Some(agent) = self.0.remembered.read().get(user_agent) {
            return agent.clone();
        }
        let agent = Arc::new(self.0.parse(user_agent));
        let mut remembered = self.0.remembered.write();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(user_agent.into(), agent.clone());
        agent
    }
}

fn clip(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Shared {
    fn parse(&self, user_agent: &str) -> Agent {
        if let Some(bot) = self.bots.name_of(user_agent) {
            return Agent {
                bot: Some(bot),
                ..Agent::default()
            };
        }
        let (browser, os, device) = self.rules.extract(user_agent);
        let os_family = os.as_ref().map(|os| os_name(&os.os).to_owned());
        let family = browser
            .as_ref()
            .map(|browser| browser_name(&browser.family).to_owned());
        Agent {
            device: Some(
                device_class(
                    user_agent,
                    os_family.as_deref(),
                    device.as_ref().map(|d| &*d.device),
                )
                .to_owned(),
            ),
            browser: family,
            browser_version: browser.and_then(|browser| browser.major.map(str::to_owned)),
            os_version: os.and_then(|os| {
                let major = os.major?.to_string();
                Some(
                    os.minor
                        .map_or_else(|| major.clone(), |minor| format!("{major}.{minor}")),
                )
            }),
            os: os_family,
            bot: None,
        }
    }
}

/// Plausible's names: the family, whatever the platform.
fn browser_name(family: &str) -> &str {
    match family {
        "Mobile Safari" | "Mobile Safari UI/WKWebView" => "Safari",
        "Chrome Mobile" | "Chrome Mobile iOS" | "Chrome Mobile WebView" => "Chrome",
        "Firefox Mobile" | "Firefox iOS" => "Firefox",
        "Edge Mobile" => "Edge",
        "Opera Mobile" | "Opera Mini" | "Opera Touch" => "Opera",
        "Samsung Internet" => "Samsung Browser",
        other => other,
    }
}

fn os_name(os: &str) -> &str {
    match os {
        "Mac OS X" => "Mac",
        "Linux" | "Ubuntu" | "Debian" | "Fedora" | "Red Hat" | "SUSE" | "Arch Linux" | "Gentoo" => {
            "GNU/Linux"
        }
        other => other,
    }
}

fn device_class(user_agent: &str, os: Option<&str>, device: Option<&str>) -> &'static str {
    let has = |part: &str| user_agent.contains(part);
    if has("SmartTV")
        || has("SMART-TV")
        || has("AppleTV")
        || has("GoogleTV")
        || has("CrKey")
        || has("HbbTV")
        || has("BRAVIA")
    {
        return "TV";
    }
    if has("iPad")
        || has("Tablet")
        || device.is_some_and(|d| d.contains("iPad") || d.contains("Kindle"))
        || (os == Some("Android") && !has("Mobile"))
    {
        return "Tablet";
    }
    if has("Mobile") || has("Mobi") || matches!(os, Some("iOS" | "Android" | "Windows Phone" | "KaiOS")) {
        return "Mobile";
    }
    "Desktop"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_named_as_people_call_them() {
        let agents = Agents::embedded().unwrap();
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                ["Chrome", "126", "Windows", "10", "Desktop"],
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                ["Safari", "17", "iOS", "17.5", "Mobile"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                ["Chrome", "126", "Android", "14", "Tablet"],
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                ["Firefox", "127", "GNU/Linux", "", "Desktop"],
            ),
        ];
        for (user_agent, expected) in cases {
            let agent = agents.read(user_agent);
            let got = [
                &agent.browser,
                &agent.browser_version,
                &agent.os,
                &agent.os_version,
                &agent.device,
            ];
            assert_eq!(
                got.map(|field| field.as_deref().unwrap_or_default()),
                expected,
                "{user_agent}"
            );
            assert_eq!(agent.bot, None);
        }
    }

    #[test]
    fn endless_user_agents_are_clipped_and_a_flood_of_them_is_forgotten() {
        let agents = Agents::embedded().unwrap();
        assert_eq!(
            agents.read(&"é".repeat(1_000_000)),
            agents.read(&"é".repeat(500)),
            "what is beyond is not read"
        );
        let longest = agents.0.remembered.read().keys().map(|key| key.len()).max();
        assert_eq!(longest, Some(LONGEST));
        agents
            .0
            .remembered
            .write()
            .extend((0..REMEMBERED).map(|n| (n.to_string().into(), Arc::default())));
        assert_eq!(agents.read("another").browser, None);
        assert_eq!(agents.0.remembered.read().len(), 1);
    }
}
