//! Addresses of changed states, and how text travels in them.

use super::state::BoardState;
use pulsecast_protocol::stats::{Condition, Filter, Operator, Subject};

/// Where the dashboard is, and what it shows: makes the addresses of everything else it can show.
#[derive(Clone, Debug)]
pub struct Links {
    /// Its path: `/sites/example.com`, `/share/…`.
    pub base: String,
    /// What it shows.
    pub state: BoardState,
}

impl Links {
    /// The address of the state that this change makes of it. Whatever is changed, a filter that was being made is not any more.
    #[must_use]
    pub fn to(&self, change: impl FnOnce(&mut BoardState)) -> String {
        let mut state = self.state.clone();
        state.edit = None;
        change(&mut state);
        self.of(&state)
    }

    /// The address of a state. Without a path of its own it is one of the page that it is on, and even the plainest one says so.
    #[must_use]
    pub fn of(&self, state: &BoardState) -> String {
        match (self.base.as_str(), state.search()) {
            ("", search) if search.is_empty() => "?".to_owned(),
            (base, search) => format!("{base}{search}"),
        }
    }
}

/// A saved filter.
#[must_use]
pub fn segment(id: i64) -> Filter {
    Filter::Condition(Condition {
        operator: Operator::Is,
        subject: Subject::Segment,
        values: vec![id.to_string()],
        case_sensitive: true,
    })
}

/// Appends a value of a condition, as `filters` reads it.
pub fn encode_value(value: &str, to: &mut String) {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '~' => escaped.push_str("~0"),
            ',' => escaped.push_str("~1"),
            ';' => escaped.push_str("~2"),
            _ => escaped.push(c),
        }
    }
    encode(&escaped, to);
}

/// Appends text as part of an address's query, leaving what people can read readable.
pub fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'/'
            | b':'
            | b','
            | b';'
            | b'*' => {
                to.push(char::from(byte));
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                to.push('%');
                to.push(char::from(HEX[usize::from(byte >> 4)]));
                to.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

/// The text behind `%41` and `+`; what is no such thing stays as it is.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        rest = match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                &after[2..]
            }
            (b'+', ..) => {
                bytes.push(b' ');
                after
            }
            _ => {
                bytes.push(first);
                after
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
