//! Publishing a game, for organisers.

super::texts! {
    PublishText
}
