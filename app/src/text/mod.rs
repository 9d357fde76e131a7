//! Every word on screen, in every language. One file per screen, so that people can add words side by side.
//!
//! A text is declared by `texts!` with all its languages: a missing one does not compile. Words with numbers are
//! plain or plural; sizes, rates and times are formatted by [`Format`]. The language is the window's, found by `of`,
//! and can change between two frames.

mod common;
mod demo;
mod details;
mod dialogs;
mod downloads;
mod fault;
mod first_run;
mod format;
mod frame;
mod library;
mod notices;
mod party;
mod peer;
mod publish;
mod settings;

pub use common::Common;
pub use demo::DemoText;
pub use details::DetailsText;
pub use dialogs::DialogsText;
pub use downloads::DownloadsText;
pub use fault::FaultText;
pub use first_run::FirstRunText;
pub use format::Format;
pub use frame::FrameText;
pub use library::LibraryText;
pub use notices::NoticeText;
pub use party::PartyText;
pub use peer::PeerText;
pub use publish::PublishText;
pub use settings::SettingsText;

use egui::{Context, Id};

/// A language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// As catalogs and settings write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// By a locale such as `de-AT`; what is not spoken here is English.
    pub fn by_locale(locale: &str) -> Self {
        let language = locale.split(['-', '_', '.']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }

    /// The system's.
    pub fn of_system() -> Self {
        sys_locale::get_locale().map_or_else(Self::default, |locale| Self::by_locale(&locale))
    }

    /// The window's.
    pub fn of(ctx: &Context) -> Self {
        ctx.data(|data| data.get_temp(Id::unique("language"))).unwrap_or_default()
    }

    pub fn set(self, ctx: &Context) {
        ctx.data_mut(|data| data.insert_temp(Id::unique("language"), self));
    }
}

/// Declares a screen's words:
///
/// ```text
/// texts! {
///     LibraryText
///     title: "Library", "Bibliothek";                        // fn title(self) -> &'static str
///     no_hit(query: &str): "No game called “{query}”.", "…"; // fn no_hit(self, query: &str) -> String
///     plural sources(count: usize): "{count} source" | "{count} sources", "{count} Quelle" | "{count} Quellen";
/// }
/// ```
/// English first, then German. Of a plural the first form is for one, the second for all other numbers.
macro_rules! texts {
    ($name:ident $($rest:tt)*) => {
        /// Words of one part of the window.
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub $crate::text::Language);

        impl $name {
            /// In the window's language.
            pub fn of(ctx: &egui::Context) -> Self {
                Self($crate::text::Language::of(ctx))
            }
        }

        $crate::text::texts!(@ $name $($rest)*);
    };
    (@ $name:ident) => {};
    (@ $name:ident plural $fn:ident($count:ident: $ty:ty $(, $arg:ident: $arg_ty:ty)*):
        $en_one:literal | $en:literal, $de_one:literal | $de:literal; $($rest:tt)*) => {
        impl $name {
            pub fn $fn(self, $count: $ty $(, $arg: $arg_ty)*) -> String {
                match (self.0, $count == 1) {
                    ($crate::text::Language::English, true) => format!($en_one),
                    ($crate::text::Language::English, false) => format!($en),
                    ($crate::text::Language::German, true) => format!($de_one),
                    ($crate::text::Language::German, false) => format!($de),
                }
            }
        }
        $crate::text::texts!(@ $name $($rest)*);
    };
    (@ $name:ident $fn:ident($($arg:ident: $ty:ty),+): $en:literal, $de:literal; $($rest:tt)*) => {
        impl $name {
            pub fn $fn(self, $($arg: $ty),+) -> String {
                match self.0 {
                    $crate::text::Language::English => format!($en),
                    $crate::text::Language::German => format!($de),
                }
            }
        }
        $crate::text::texts!(@ $name $($rest)*);
    };
    (@ $name:ident $fn:ident: $en:literal, $de:literal; $($rest:tt)*) => {
        impl $name {
            pub const fn $fn(self) -> &'static str {
                match self.0 {
                    $crate::text::Language::English => $en,
                    $crate::text::Language::German => $de,
                }
            }
        }
        $crate::text::texts!(@ $name $($rest)*);
    };
}
pub(crate) use texts;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_a_language() {
        for (locale, language) in [
            ("de", Language::German),
            ("de_AT.UTF-8", Language::German),
            ("DE-ch", Language::German),
            ("en-GB", Language::English),
            ("den", Language::English),
            ("fr-FR", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::by_locale(locale), language, "{locale}");
        }
    }

    #[test]
    fn one_is_said_differently_from_many() {
        let english = LibraryText(Language::English);
        let german = LibraryText(Language::German);
        assert_eq!([0, 1, 2].map(|count| english.sources(count)), ["0 sources", "1 source", "2 sources"]);
        assert_eq!([0, 1, 2].map(|count| german.sources(count)), ["0 Quellen", "1 Quelle", "2 Quellen"]);
    }
}
