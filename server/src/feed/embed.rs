//! Videos and maps: from the address that people copy to a frame that we write ourselves. There are three providers; whatever else is pasted is
//! refused. The frame is sandboxed: it cannot move the page, open dialogs or fill in forms.

use super::html::escape;
use url::Url;

/// What a frame may: run its own scripts in its own origin, and open the provider's page when it is clicked.
const SANDBOX: &str = "allow-scripts allow-same-origin allow-popups allow-presentation";
/// Where frames of ours lead, for policies.
pub const FRAMES: [&str; 3] = [
    "https://www.youtube-nocookie.com",
    "https://player.vimeo.com",
    "https://www.openstreetmap.org",
];

/// Something to be shown in a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Embed {
    /// A video there, by its eleven signs.
    YouTube(String),
    /// A video there, by its number.
    Vimeo(u64),
    /// A part of the map.
    Map {
        /// Of the middle, in degrees.
        latitude: f64,
        /// Of the middle, in degrees.
        longitude: f64,
        /// 0 is the whole world, 19 a house.
        zoom: u8,
        /// Whether the middle is marked.
        marked: bool,
    },
}

impl Embed {
    /// What this address of a provider's page shows; `None` for any other.
    #[must_use]
    pub fn of(address: &str) -> Option<Self> {
        let url = Url::parse(address.trim()).ok()?;
        if url.scheme() != "https" || url.port().is_some() || !url.username().is_empty() {
            return None;
        }
        let host = url.host_str()?;
        match host.strip_prefix("www.").unwrap_or(host) {
            "youtube.com" | "m.youtube.com" | "youtube-nocookie.com" => youtube(&url),
            "youtu.be" => video_id(url.path().strip_prefix('/')?),
            "vimeo.com" | "player.vimeo.com" => {
                let number = url.path().rsplit('/').find(|part| !part.is_empty())?;
                Some(Self::Vimeo(number.parse().ok().filter(|number| *number > 0)?))
            }
            "openstreetmap.org" | "osm.org" => map(&url),
            _ => None,
        }
    }

    /// The frame. Every value in it was parsed: nothing that was typed but the title, which is escaped.
    #[must_use]
    pub fn html(&self, title: &str) -> String {
        let (source, usual) = match self {
            Self::YouTube(id) => (format!("{}/embed/{id}", FRAMES[0]), "Video"),
            Self::Vimeo(number) => (format!("{}/video/{number}?dnt=1", FRAMES[1]), "Video"),
            Self::Map {
                latitude,
                longitude,
                zoom,
                marked,
            } => (map_frame(*latitude, *longitude, *zoom, *marked), "Map"),
        };
        let title = if title.is_empty() { usual } else { title };
        format!(
            "<iframe src=\"{}\" title=\"{}\" sandbox=\"{SANDBOX}\" referrerpolicy=\"strict-origin-when-cross-origin\" loading=\"lazy\" allowfullscreen></iframe>",
            escape(&source),
            escape(title)
        )
    }
}

fn youtube(url: &Url) -> Option<Embed> {
    let mut parts = url.path_segments()?;
    match parts.next()? {
        "watch" => url
            .query_pairs()
            .find_map(|(name, value)| (name == "v").then(|| video_id(&value)))?,
        "embed" | "shorts" | "live" => video_id(parts.next()?),
        _ => None,
    }
}

fn video_id(text: &str) -> Option<Embed> {
    let is_one = text.len() == 11
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_one.then(|| Embed::YouTube(text.to_owned()))
}

/// `#map=ZOOM/LATITUDE/LONGITUDE`, and `?mlat=…&mlon=…` where a place is marked.
fn map(url: &Url) -> Option<Embed> {
    let query = |name: &str| {
        let value = url
            .query_pairs()
            .find_map(|(key, value)| (key == name).then_some(value))?;
        value.parse::<f64>().ok()
    };
    let view = url
        .fragment()
        .and_then(|fragment| fragment.split('&').find_map(|part| part.strip_prefix("map=")))
        .and_then(|view| {
            let mut parts = view.split('/');
            Some((
                parts.next()?.parse::<u8>().ok()?,
                parts.next()?.parse::<f64>().ok()?,
                parts.next()?.parse::<f64>().ok()?,
            ))
        });
    let mark = query("mlat").zip(query("mlon"));
    let (zoom, latitude, longitude) = match (mark, view) {
        (Some((latitude, longitude)), view) => (view.map_or(15, |(zoom, ..)| zoom), latitude, longitude),
        (None, Some(view)) => view,
        (None, None) => return None,
    };
    let is_place = (-85.0..=85.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    is_place.then(|| Embed::Map {
        latitude,
        longitude,
        zoom: zoom.min(19),
        marked: mark.is_some(),
    })
}

/// The frame takes the corners of what it shows: about 360 by 200 pixels of that zoom.
fn map_frame(latitude: f64, longitude: f64, zoom: u8, marked: bool) -> String {
    let degree_per_pixel = 360.0 / 256.0 / f64::from(1_u32 << zoom);
    let (x, y) = (
        180.0 * degree_per_pixel,
        100.0 * degree_per_pixel * latitude.to_radians().cos(),
    );
    let (west, east) = ((longitude - x).max(-180.0), (longitude + x).min(180.0));
    let (south, north) = ((latitude - y).max(-85.0), (latitude + y).min(85.0));
    let marker = if marked {
        format!("&marker={latitude:.5}%2C{longitude:.5}")
    } else {
        String::new()
    };
    format!(
        "{}/export/embed.html?bbox={west:.5}%2C{south:.5}%2C{east:.5}%2C{north:.5}&layer=mapnik{marker}",
        FRAMES[2]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_copy_are_known() {
        let video = Some(Embed::YouTube("dQw4w9WgXcQ".into()));
        for address in [
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=10s",
            "https://youtu.be/dQw4w9WgXcQ?si=x",
            "https://m.youtube.com/watch?list=x&v=dQw4w9WgXcQ",
            "https://www.youtube.com/shorts/dQw4w9WgXcQ",
            "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
        ] {
            assert_eq!(Embed::of(address), video, "{address}");
        }
        assert_eq!(
            Embed::of("https://vimeo.com/76979871"),
            Some(Embed::Vimeo(76_979_871))
        );
        assert_eq!(
            Embed::of("https://player.vimeo.com/video/76979871?h=1"),
            Some(Embed::Vimeo(76_979_871))
        );
        let map =
            Embed::of("https://www.openstreetmap.org/?mlat=52.5163&mlon=13.3777#map=17/52.5163/13.3777")
                .unwrap();
        let frame = map.html("");
        assert!(
            frame.contains("marker=52.51630%2C13.37770") && frame.contains("title=\"Map\""),
            "{frame}"
        );
        assert!(Embed::of("https://www.openstreetmap.org/#map=6/51.33/10.45").is_some());
    }

    #[test]
    fn nobody_else_gets_a_frame() {
        for address in [
            "https://evil.example/watch?v=dQw4w9WgXcQ",
            "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
            "http://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://www.youtube.com:8443/watch?v=dQw4w9WgXcQ",
            "https://evil@www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://www.youtube.com/watch?v=\"><script>",
            "https://www.youtube.com/redirect?q=https://evil.example",
            "https://vimeo.com/\"onload=alert(1)",
            "https://vimeo.com/0",
            "https://www.openstreetmap.org/#map=17/nan/13",
            "https://www.openstreetmap.org/#map=17/500/13",
            "https://www.openstreetmap.org/",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(Embed::of(address), None, "{address}");
        }
    }

    #[test]
    fn a_frame_has_a_name_and_is_locked_in() {
        let html = Embed::Vimeo(7).html("A \"good\" <film>");
        assert!(
            html.contains("title=\"A &quot;good&quot; &lt;film&gt;\"")
                && html.contains("sandbox=\"allow-scripts "),
            "{html}"
        );
        assert!(!html.contains("allow-top-navigation") && !html.contains("allow-forms"));
        assert!(FRAMES.iter().any(|frame| html.contains(frame)));
    }
}
