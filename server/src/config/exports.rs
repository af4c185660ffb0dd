//! Settings of what is downloaded: how many at a time, how slow a client may be, how much disk files on their way out may have.

use crate::http::export::ExportLimits;
use clap::Args;
use std::time::Duration;

/// Flags of `serve` about downloads.
#[derive(Args, Clone, Copy, Debug)]
pub struct Exports {
    /// Downloads (CSV, ZIP, NDJSON, Parquet) at a time; more are refused with 503
    #[arg(long, env = "PULSECAST_MAX_DOWNLOADS", default_value_t = 64, value_name = "N")]
    pub max_downloads: usize,

    /// Downloads at a time of one account or API key (2 at most of all who have one shared link); more are refused with 429
    #[arg(
        long,
        env = "PULSECAST_MAX_DOWNLOADS_EACH",
        default_value_t = 8,
        value_name = "N"
    )]
    pub max_downloads_each: usize,

    /// How long a client may take nothing of its download until it is cut off; it can go on with it
    #[arg(long, env = "PULSECAST_DOWNLOAD_PATIENCE", default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub download_patience: u64,

    /// Disk that files which are being downloaded may have together; they are kept for an hour
    #[arg(
        long,
        env = "PULSECAST_EXPORT_DISK",
        default_value_t = 8_192,
        value_name = "MiB"
    )]
    pub export_disk: u64,
}

impl Exports {
    /// The same as limits.
    #[must_use]
    pub fn limits(&self) -> ExportLimits {
        ExportLimits {
            downloads: self.max_downloads,
            each: self.max_downloads_each,
            patience: Duration::from_secs(self.download_patience),
            disk: self.export_disk << 20,
        }
    }
}
