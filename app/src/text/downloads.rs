//! The downloads: what runs, what waits, what needs attention.

super::texts! {
    DownloadsText
}
