//! Names from elsewhere: what becomes a path or an id can be joined to a folder without leaving it, on every system.
#![no_main]

use std::path::{Component, Path};

use lanspread_protocol::limits::{MAX_PATH_BYTES, MAX_PATH_DEPTH};
use lanspread_protocol::path::{is_device_name, is_reserved_root_name};
use lanspread_protocol::{GameId, RelPath};
use libfuzzer_sys::fuzz_target;

fn is_plain(name: &str) -> bool {
    let is_bad = |c: char| c.is_control() || "<>:\"/\\|?*".contains(c);
    !name.is_empty() && !name.contains(is_bad) && !name.ends_with(['.', ' ']) && !is_device_name(name)
}

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<RelPath>() {
        assert_eq!(path.as_str(), text);
        assert!(text.len() <= MAX_PATH_BYTES && path.components().count() <= MAX_PATH_DEPTH);
        assert!(path.components().all(is_plain), "{text:?}");
        let first = path.components().next().unwrap();
        assert!(!is_reserved_root_name(first), "{text:?}");
        let joined = Path::new("root").join(text);
        assert!(joined.starts_with("root"));
        assert!(joined.components().all(|part| matches!(part, Component::Normal(_))), "{text:?}");
        // A twin differs in case and accents only, so it has as many folders.
        assert_eq!(path.twin_key().split('/').count(), path.components().count(), "{text:?}");
        for folder in path.ancestors() {
            assert!(text.starts_with(folder) && folder.parse::<RelPath>().is_ok(), "{text:?}");
        }
    }
    if let Ok(id) = text.parse::<GameId>() {
        // A game's folder is called so.
        let folder = format!("games/{text}").parse::<RelPath>();
        assert!(id.as_str() == text && is_plain(text) && folder.is_ok(), "{text:?}");
    }
});
