//! The panel with everything about one game.

super::texts! {
    DetailsText
}
