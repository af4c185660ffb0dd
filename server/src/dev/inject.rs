//! Puts the reload script into a page and changes nothing else of it.

/// The script's address: below a name that no served file can have.
pub(super) const SCRIPT: &str = "/.pulsecast/reload.js";
const TAG: &[u8] = b"<script src=\"/.pulsecast/reload.js\" defer></script>";

/// The page with the script before its last `</body>`, or at its end.
#[must_use]
pub(super) fn inject(page: Vec<u8>) -> Vec<u8> {
    // UTF-16, whose letters are two bytes: a script of one-byte letters would be noise in it.
    if page.starts_with(&[0xFE, 0xFF]) || page.starts_with(&[0xFF, 0xFE]) {
        return page;
    }
    let end = b"</body";
    let at = page
        .windows(end.len())
        .rposition(|window| window.eq_ignore_ascii_case(end))
        .unwrap_or(page.len());
    let mut out = Vec::with_capacity(page.len() + TAG.len());
    out.extend_from_slice(&page[..at]);
    out.extend_from_slice(TAG);
    out.extend_from_slice(&page[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_script_goes_before_the_end_of_the_body() {
        let page = inject(b"<html><body>hi</BODY></html>".to_vec());
        assert_eq!(
            String::from_utf8(page).unwrap(),
            "<html><body>hi<script src=\"/.pulsecast/reload.js\" defer></script></BODY></html>"
        );
    }

    #[test]
    fn a_page_without_a_body_gets_it_at_its_end() {
        assert!(inject(b"<p>hi".to_vec()).ends_with(TAG));
    }

    proptest! {
        #[test]
        fn every_other_byte_stays(page in prop::collection::vec(any::<u8>(), 0..200)) {
            let out = inject(page.clone());
            let at = out.windows(TAG.len()).rposition(|window| window == TAG);
            match at {
                Some(at) => prop_assert_eq!([&out[..at], &out[at + TAG.len()..]].concat(), page),
                None => prop_assert_eq!(out, page),
            }
        }
    }
}
