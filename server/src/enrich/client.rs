//! The small facts about a visitor's browser: language and screen class.

/// ISO 639-1 code of the most wanted language of an `Accept-Language` header
/// ([RFC 9110 §12.5.4](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4)): highest weight, the first of equals.
#[must_use]
pub fn language(accept_language: &str) -> Option<String> {
    let mut best: Option<(f32, &str)> = None;
    for part in accept_language.split(',').take(20) {
        let mut pieces = part.split(';');
        let tag = pieces.next().unwrap_or_default().trim();
        let weight = pieces
            .find_map(|p| p.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()))
            .filter(|q| q.is_finite())
            .unwrap_or(1.0);
        let primary = tag.split('-').next().unwrap_or_default();
        let is_code = (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
        if is_code && weight > 0.0 && best.is_none_or(|(w, _)| weight > w) {
            best = Some((weight, primary));
        }
    }
    best.map(|(_, code)| code.to_ascii_lowercase())
}

/// Class of a screen by its CSS width, by the breakpoints that Tailwind made common.
#[must_use]
pub fn screen(width: u32) -> &'static str {
    match width {
        0..640 => "xs",
        640..768 => "sm",
        768..1024 => "md",
        1024..1280 => "lg",
        1280..1536 => "xl",
        _ => "2xl",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_counts() {
        assert_eq!(language("de-DE,de;q=0.9,en;q=0.8").as_deref(), Some("de"));
        assert_eq!(language("en;q=0.2, FR-ca;q=0.7").as_deref(), Some("fr"));
        for rubbish in ["", "*", ";;;,,,", "q=1", "12-34", "en;q=0"] {
            assert_eq!(language(rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn screens_fall_into_classes_at_the_breakpoints() {
        assert_eq!(
            [639, 640, 1279, 1280, 4000].map(screen),
            ["xs", "sm", "lg", "xl", "2xl"]
        );
    }
}
