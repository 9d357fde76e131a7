//! The first run: a name and a games folder.

super::texts! {
    FirstRunText
}
