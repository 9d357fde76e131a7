//! The questions before something changes.

use super::Source;
use crate::action::Question;

/// What a dialog shows.
#[derive(Clone, Debug, PartialEq)]
pub struct DialogsModel {
    pub question: Question,
}

impl DialogsModel {
    /// `None` when what is asked about is gone: the dialog closes.
    pub fn new(_source: Source<'_>, question: &Question) -> Option<Self> {
        Some(Self { question: question.clone() })
    }
}
