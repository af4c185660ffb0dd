//! How the socket is doing, in the words of the screen.

/// How the socket is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// The first attempt is under way, or the page has not been taken over by the browser yet.
    #[default]
    Connecting,
    /// Messages arrive as things happen.
    Live,
    /// It was lost and is being opened again.
    Reconnecting,
    /// The machine has no network.
    Offline,
    /// The server sent us away for good: signed out, most likely.
    Ended,
}

impl Status {
    /// One word for the pill.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Live => "Live",
            Self::Reconnecting => "Reconnecting",
            Self::Offline => "Offline",
            Self::Ended => "Disconnected",
        }
    }

    /// Its name for styles and tests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
            Self::Ended => "ended",
        }
    }
}
