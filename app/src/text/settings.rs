//! The settings.

super::texts! {
    SettingsText
}
