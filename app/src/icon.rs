//! Phosphor's icons, by name. One code point is drawn regular, filled or bold, by the font that is chosen.

use egui::FontId;

use crate::theme;

/// An icon with its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon {
    glyph: char,
    weight: Weight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Regular,
    Fill,
    Bold,
}

impl Icon {
    const fn of(glyph: char) -> Self {
        Self { glyph, weight: Weight::Regular }
    }

    /// For what is active, and for states.
    #[must_use]
    pub const fn fill(self) -> Self {
        Self { weight: Weight::Fill, ..self }
    }

    /// On solid buttons and in small arrows.
    #[must_use]
    pub const fn bold(self) -> Self {
        Self { weight: Weight::Bold, ..self }
    }

    pub fn text(self) -> String {
        self.glyph.to_string()
    }

    pub fn font(self, size: f32) -> FontId {
        match self.weight {
            Weight::Regular => theme::icons(size),
            Weight::Fill => theme::icons_fill(size),
            Weight::Bold => theme::icons_bold(size),
        }
    }

    pub const ARROWS_CLOCKWISE: Self = Self::of('\u{e094}');
    pub const ARROWS_OUT_SIMPLE: Self = Self::of('\u{e0a6}');
    pub const ARROW_CLOCKWISE: Self = Self::of('\u{e036}');
    pub const ARROW_COUNTER_CLOCKWISE: Self = Self::of('\u{e038}');
    pub const ARROW_DOWN: Self = Self::of('\u{e03e}');
    pub const ARROW_LEFT: Self = Self::of('\u{e058}');
    pub const ARROW_LINE_UP: Self = Self::of('\u{e066}');
    pub const ARROW_RIGHT: Self = Self::of('\u{e06c}');
    pub const ARROW_SQUARE_OUT: Self = Self::of('\u{e5de}');
    pub const ARROW_UP: Self = Self::of('\u{e08e}');
    pub const ARROW_U_UP_LEFT: Self = Self::of('\u{e08a}');
    pub const BOOK_OPEN: Self = Self::of('\u{e0e6}');
    pub const BROADCAST: Self = Self::of('\u{e0f2}');
    pub const BUG: Self = Self::of('\u{e5f4}');
    pub const CALENDAR: Self = Self::of('\u{e108}');
    pub const CARET_DOWN: Self = Self::of('\u{e136}');
    pub const CARET_LEFT: Self = Self::of('\u{e138}');
    pub const CARET_RIGHT: Self = Self::of('\u{e13a}');
    pub const CELL_SIGNAL_FULL: Self = Self::of('\u{e142}');
    pub const CERTIFICATE: Self = Self::of('\u{e766}');
    pub const CHECK: Self = Self::of('\u{e182}');
    pub const CHECK_CIRCLE: Self = Self::of('\u{e184}');
    pub const CIRCLE_NOTCH: Self = Self::of('\u{eb44}');
    pub const CLOCK: Self = Self::of('\u{e19a}');
    pub const CLOCK_COUNTER_CLOCKWISE: Self = Self::of('\u{e1a0}');
    pub const CLOUD_SLASH: Self = Self::of('\u{e1b6}');
    pub const COPY: Self = Self::of('\u{e1ca}');
    pub const CROWN_SIMPLE: Self = Self::of('\u{e616}');
    pub const DESKTOP: Self = Self::of('\u{e560}');
    pub const DESKTOP_TOWER: Self = Self::of('\u{e562}');
    pub const DOTS_SIX_VERTICAL: Self = Self::of('\u{eae2}');
    pub const DOTS_THREE: Self = Self::of('\u{e1fe}');
    pub const DOWNLOAD_SIMPLE: Self = Self::of('\u{e20c}');
    pub const ERASER: Self = Self::of('\u{e21e}');
    pub const FILE: Self = Self::of('\u{e230}');
    pub const FILE_TEXT: Self = Self::of('\u{e23a}');
    pub const FILE_ZIP: Self = Self::of('\u{e958}');
    pub const FIRST_AID_KIT: Self = Self::of('\u{e570}');
    pub const FLOPPY_DISK: Self = Self::of('\u{e248}');
    pub const FOLDER: Self = Self::of('\u{e24a}');
    pub const FOLDER_OPEN: Self = Self::of('\u{e256}');
    pub const GAME_CONTROLLER: Self = Self::of('\u{e26e}');
    pub const GAUGE: Self = Self::of('\u{e628}');
    pub const GEAR_SIX: Self = Self::of('\u{e272}');
    pub const GLOBE: Self = Self::of('\u{e288}');
    pub const HARD_DRIVE: Self = Self::of('\u{e29e}');
    pub const HARD_DRIVES: Self = Self::of('\u{e2a0}');
    pub const HOURGLASS: Self = Self::of('\u{e2b2}');
    pub const IDENTIFICATION_CARD: Self = Self::of('\u{e2c8}');
    pub const IMAGE: Self = Self::of('\u{e2ca}');
    pub const INFO: Self = Self::of('\u{e2ce}');
    pub const KEY: Self = Self::of('\u{e2d6}');
    pub const LIGHTNING: Self = Self::of('\u{e2de}');
    pub const LIST_BULLETS: Self = Self::of('\u{e2f2}');
    pub const LOCK: Self = Self::of('\u{e2fa}');
    pub const MAGNIFYING_GLASS: Self = Self::of('\u{e30c}');
    pub const MEGAPHONE: Self = Self::of('\u{e324}');
    pub const MINUS: Self = Self::of('\u{e32a}');
    pub const MONITOR: Self = Self::of('\u{e32e}');
    pub const MOON: Self = Self::of('\u{e330}');
    pub const NETWORK: Self = Self::of('\u{edde}');
    pub const NETWORK_SLASH: Self = Self::of('\u{eddc}');
    pub const PACKAGE: Self = Self::of('\u{e390}');
    pub const PALETTE: Self = Self::of('\u{e6c8}');
    pub const PAUSE: Self = Self::of('\u{e39e}');
    pub const PAUSE_CIRCLE: Self = Self::of('\u{e3a0}');
    pub const PENCIL_SIMPLE: Self = Self::of('\u{e3b4}');
    pub const PLAY: Self = Self::of('\u{e3d0}');
    pub const PLUGS: Self = Self::of('\u{eb56}');
    pub const PLUGS_CONNECTED: Self = Self::of('\u{eb5a}');
    pub const PLUS: Self = Self::of('\u{e3d4}');
    pub const PLUS_CIRCLE: Self = Self::of('\u{e3d6}');
    pub const POWER: Self = Self::of('\u{e3da}');
    pub const PROHIBIT: Self = Self::of('\u{e3de}');
    pub const QUESTION: Self = Self::of('\u{e3e8}');
    pub const RECORD: Self = Self::of('\u{e3ee}');
    pub const ROCKET_LAUNCH: Self = Self::of('\u{e3fe}');
    pub const SEAL_CHECK: Self = Self::of('\u{e606}');
    pub const SEAL_WARNING: Self = Self::of('\u{e60c}');
    pub const SHARE: Self = Self::of('\u{e406}');
    pub const SHARE_NETWORK: Self = Self::of('\u{e408}');
    pub const SHIELD: Self = Self::of('\u{e40a}');
    pub const SHIELD_CHECK: Self = Self::of('\u{e40c}');
    pub const SHIELD_WARNING: Self = Self::of('\u{e412}');
    pub const SIGNATURE: Self = Self::of('\u{ebac}');
    pub const SLIDERS_HORIZONTAL: Self = Self::of('\u{e434}');
    pub const SORT_ASCENDING: Self = Self::of('\u{e444}');
    pub const SQUARES_FOUR: Self = Self::of('\u{e464}');
    pub const STOP: Self = Self::of('\u{e46c}');
    pub const SUN: Self = Self::of('\u{e472}');
    pub const TEXT_AA: Self = Self::of('\u{e6ee}');
    pub const TIMER: Self = Self::of('\u{e492}');
    pub const TRANSLATE: Self = Self::of('\u{e4a2}');
    pub const TRASH: Self = Self::of('\u{e4a6}');
    pub const UPLOAD_SIMPLE: Self = Self::of('\u{e4c0}');
    pub const USB: Self = Self::of('\u{e956}');
    pub const USER: Self = Self::of('\u{e4c2}');
    pub const USERS_THREE: Self = Self::of('\u{e68e}');
    pub const USER_MINUS: Self = Self::of('\u{e4ce}');
    pub const WARNING: Self = Self::of('\u{e4e0}');
    pub const WARNING_CIRCLE: Self = Self::of('\u{e4e2}');
    pub const WIFI_HIGH: Self = Self::of('\u{e4ea}');
    pub const WIFI_SLASH: Self = Self::of('\u{e4f2}');
    pub const X: Self = Self::of('\u{e4f6}');
    pub const X_CIRCLE: Self = Self::of('\u{e4f8}');
}
