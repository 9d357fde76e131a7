//! The questions before something changes.

super::texts! {
    DialogsText
}
