//! Who is here, and the checks for who is not.

super::texts! {
    PartyText
}
