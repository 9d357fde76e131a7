//! How Lanspread looks: every colour, type size, radius, spacing, stroke and shadow, and egui's style made of them.
//!
//! Nothing else in the program names a colour. A theme is found by [`Theme::of`], without a lock of our own: egui knows
//! whether the window is dark. All numbers are egui points.

#![expect(clippy::disallowed_methods, reason = "the one place of colours")]

use std::sync::Arc;

use egui::style::{ScrollStyle, WidgetVisuals};
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Shadow, Stroke, Style, Ui,
    Visuals, vec2,
};

/// A theme's colours, by the names of their uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub is_dark: bool,
    pub rail: Color32,
    pub bg: Color32,
    pub surface_1: Color32,
    pub surface_2: Color32,
    pub surface_3: Color32,
    /// Inputs, menus, toasts, the rail's active item.
    pub field: Color32,
    pub field_line: Color32,
    pub segment_on: Color32,
    pub line: Color32,
    pub line_strong: Color32,
    pub text_1: Color32,
    pub text_2: Color32,
    pub text_3: Color32,
    pub accent: Color32,
    pub accent_hover: Color32,
    pub accent_pressed: Color32,
    pub on_accent: Color32,
    pub accent_tint: Color32,
    /// Arriving: download, update, install.
    pub arriving: Color32,
    pub arriving_tint: Color32,
    /// Text on a fill of `arriving`.
    pub on_arriving: Color32,
    /// Leaving: sharing.
    pub leaving: Color32,
    pub leaving_tint: Color32,
    pub warn: Color32,
    pub warn_tint: Color32,
    pub on_warn: Color32,
    pub bad: Color32,
    pub bad_tint: Color32,
    pub danger: Color32,
    pub danger_hover: Color32,
    pub on_danger: Color32,
    /// Under words on covers.
    pub pill: Color32,
    pub pill_text: Color32,
    pub pill_up: Color32,
    /// Over the part of a cover that is not yet downloaded.
    pub veil: Color32,
    /// Behind dialogs and the details panel.
    pub scrim: Color32,
    pub floating: Shadow,
    pub lifted: Shadow,
}

const fn hex(rgb: u32) -> Color32 {
    let [_, red, green, blue] = rgb.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

const fn hex_alpha(rgb: u32, percent: u32) -> Color32 {
    let [_, red, green, blue] = rgb.to_be_bytes();
    #[expect(clippy::cast_possible_truncation, reason = "a percentage of 255 fits")]
    Color32::from_rgba_unmultiplied_const(red, green, blue, (percent * 255 / 100) as u8)
}

const fn shadow(down: i8, blur: u8, color: Color32) -> Shadow {
    Shadow { offset: [0, down], blur, spread: 0, color }
}

pub const DARK: Theme = Theme {
    is_dark: true,
    rail: hex(0x0A_0D12),
    bg: hex(0x0F_1319),
    surface_1: hex(0x16_1B23),
    surface_2: hex(0x1F_2631),
    surface_3: hex(0x2B_3442),
    field: hex(0x1F_2631),
    field_line: hex(0x25_2D39),
    segment_on: hex(0x2B_3442),
    line: hex(0x25_2D39),
    line_strong: hex(0x3D_4859),
    text_1: hex(0xEE_F2F7),
    text_2: hex(0xA8_B3C3),
    text_3: hex(0x86_92A4),
    accent: hex(0x3D_DCB4),
    accent_hover: hex(0x63_E8C7),
    accent_pressed: hex(0x2C_BF9B),
    on_accent: hex(0x04_231B),
    accent_tint: hex(0x14_352F),
    arriving: hex(0x6B_AEFF),
    arriving_tint: hex(0x15_273E),
    on_arriving: hex(0x0A_0D12),
    leaving: hex(0xFF_A861),
    leaving_tint: hex(0x37_2615),
    warn: hex(0xF3_CF5F),
    warn_tint: hex(0x2B_2615),
    on_warn: hex(0x0A_0D12),
    bad: hex(0xFF_7E88),
    bad_tint: hex(0x31_1A20),
    danger: hex(0xD6_3A48),
    danger_hover: hex(0xE2_4B58),
    on_danger: hex(0xFF_FFFF),
    pill: hex_alpha(0x08_0A0E, 82),
    pill_text: hex(0xF2_F5F9),
    pill_up: hex(0xFF_B67C),
    veil: hex_alpha(0x0A_0D12, 76),
    scrim: hex_alpha(0x04_0609, 66),
    floating: shadow(6, 18, hex_alpha(0x00_0000, 40)),
    lifted: shadow(16, 48, hex_alpha(0x00_0000, 55)),
};

pub const LIGHT: Theme = Theme {
    is_dark: false,
    rail: hex(0xE9_EDF1),
    bg: hex(0xF4_F6F8),
    surface_1: hex(0xFF_FFFF),
    surface_2: hex(0xE8_ECF1),
    surface_3: hex(0xD8_DEE6),
    field: hex(0xFF_FFFF),
    field_line: hex(0xAE_B8C6),
    segment_on: hex(0xFF_FFFF),
    line: hex(0xDB_E1E8),
    line_strong: hex(0xAE_B8C6),
    text_1: hex(0x12_171F),
    text_2: hex(0x47_5365),
    text_3: hex(0x5B_677A),
    accent: hex(0x07_705A),
    accent_hover: hex(0x06_5E4B),
    accent_pressed: hex(0x05_4B3C),
    on_accent: hex(0xFF_FFFF),
    accent_tint: hex(0xD3_EFE6),
    arriving: hex(0x15_60BD),
    arriving_tint: hex(0xDC_EAFB),
    on_arriving: hex(0xFF_FFFF),
    leaving: hex(0xA8_4C08),
    leaving_tint: hex(0xFB_E6D3),
    warn: hex(0x7A_5A00),
    warn_tint: hex(0xFA_EFC8),
    on_warn: hex(0xFF_FFFF),
    bad: hex(0xBD_2334),
    bad_tint: hex(0xFB_E0E3),
    danger: hex(0xC2_2D3C),
    danger_hover: hex(0xAB_2432),
    on_danger: hex(0xFF_FFFF),
    pill: hex_alpha(0x08_0A0E, 80),
    pill_text: hex(0xF2_F5F9),
    pill_up: hex(0xFF_B67C),
    veil: hex_alpha(0xE9_EDF1, 80),
    scrim: hex_alpha(0x12_171F, 48),
    floating: shadow(6, 18, hex_alpha(0x12_171F, 14)),
    lifted: shadow(16, 48, hex_alpha(0x12_171F, 24)),
};

/// The logo's tile and sign, in both themes.
pub const LOGO: Color32 = hex(0x3D_DCB4);
pub const ON_LOGO: Color32 = hex(0x04_231B);
/// Text on heroes and generated covers, in both themes.
pub const ON_PICTURE: Color32 = hex(0xEE_F2F7);
/// A hero's gradient, from its top to its lower edge.
pub const HERO_TOP: Color32 = hex_alpha(0x0A_0D12, 30);
pub const HERO_BOTTOM: Color32 = hex(0x16_1B23);
/// The first run's gradient.
/// Dots that travel in the picture of nodes.
pub const NODE_ARRIVING: Color32 = hex(0x6B_AEFF);
pub const NODE_LEAVING: Color32 = hex(0xFF_A861);
pub const CLAIM_TOP: Color32 = hex(0x10_302B);
pub const CLAIM_CORNER: Color32 = hex(0x0E_2525);
pub const CLAIM_BOTTOM: Color32 = hex(0x0B_141A);

impl Theme {
    /// The theme in use.
    pub fn of(ui: &Ui) -> &'static Self {
        if ui.visuals().dark_mode { &DARK } else { &LIGHT }
    }

    pub fn line_stroke(&self) -> Stroke {
        Stroke::new(STROKE, self.line)
    }

    pub fn strong_stroke(&self) -> Stroke {
        Stroke::new(STROKE, self.line_strong)
    }

    pub fn focus_stroke(&self) -> Stroke {
        Stroke::new(FOCUS_STROKE, self.accent)
    }
}

/// A colour of a wheel: hue in degrees, saturation and lightness from 0 to 1.
pub fn hsl(hue: f32, saturation: f32, lightness: f32) -> Color32 {
    let chroma = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
    let channel = |shift: f32| {
        let k = (shift + hue / 30.0).rem_euclid(12.0);
        let value = lightness - chroma / 2.0 * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
        {
            (value * 255.0).round().clamp(0.0, 255.0) as u8
        }
    };
    Color32::from_rgb(channel(0.0), channel(8.0), channel(4.0))
}

/// White of this share of opacity, for motifs on pictures.
pub fn white(opacity: f32) -> Color32 {
    Color32::WHITE.gamma_multiply(opacity)
}

// Type.
pub const HERO: f32 = 28.0;
pub const TITLE: f32 = 20.0;
pub const SECTION: f32 = 16.0;
pub const BODY: f32 = 14.0;
pub const DENSE: f32 = 13.0;
pub const META: f32 = 12.0;
pub const BADGE: f32 = 11.0;

// Icons.
pub const ICON: f32 = 16.0;
pub const ICON_LIST: f32 = 20.0;
pub const ICON_RAIL: f32 = 24.0;

// Space.
pub const MARGIN: f32 = 28.0;
pub const PANEL_PADDING: f32 = 20.0;
pub const DIALOG_PADDING: f32 = 24.0;

// Radii.
pub const R_TAG: u8 = 6;
pub const R_CARD_BUTTON: u8 = 7;
pub const R_BUTTON: u8 = 8;
pub const R_FLOATING: u8 = 10;
pub const R_PANEL: u8 = 12;
pub const R_DIALOG: u8 = 14;

// Strokes.
pub const STROKE: f32 = 1.0;
pub const FOCUS_STROKE: f32 = 2.0;
pub const PLOT_STROKE: f32 = 2.0;
pub const SPARK_STROKE: f32 = 1.5;

// Motion, in seconds.
pub const HOVER_SECS: f32 = 0.12;
pub const DIALOG_SECS: f32 = 0.14;
pub const PANEL_SECS: f32 = 0.18;
pub const PROGRESS_SECS: f32 = 0.3;
pub const FADE_SECS: f32 = 0.12;

// Frame.
pub const RAIL: f32 = 88.0;
pub const TOP_BAR: f32 = 64.0;
pub const STATUS_BAR: f32 = 36.0;
/// Below this width the details panel fills all but the rail, side columns move below.
pub const NARROW: f32 = 1120.0;
/// Narrower than any window without zoom: what only helps to find one's way gives way.
pub const TINY: f32 = 800.0;

const MEDIUM: &str = "medium";
const BOLD: &str = "bold";
const ICONS: &str = "icons";
const ICONS_FILL: &str = "icons-fill";
const ICONS_BOLD: &str = "icons-bold";

pub fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

pub fn medium(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(MEDIUM.into()))
}

pub fn bold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(BOLD.into()))
}

pub fn icons(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICONS.into()))
}

pub fn icons_fill(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICONS_FILL.into()))
}

pub fn icons_bold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(ICONS_BOLD.into()))
}

/// Gives a context its fonts and both styles. Called once, before the first frame.
pub fn set_up(ctx: &Context) {
    ctx.set_fonts(fonts());
    for (theme, of) in [(egui::Theme::Dark, &DARK), (egui::Theme::Light, &LIGHT)] {
        ctx.set_style_of(theme, style(of));
    }
    ctx.options_mut(|options| options.zoom_with_keyboard = true);
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let files: [(&str, &'static [u8]); 6] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf")),
        ("inter-medium", include_bytes!("../../assets/fonts/Inter-Medium.otf")),
        ("inter-bold", include_bytes!("../../assets/fonts/Inter-Bold.otf")),
        (ICONS, include_bytes!("../../assets/fonts/Phosphor.ttf")),
        (ICONS_FILL, include_bytes!("../../assets/fonts/Phosphor-Fill.ttf")),
        (ICONS_BOLD, include_bytes!("../../assets/fonts/Phosphor-Bold.ttf")),
    ];
    for (name, bytes) in files {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let mut family = |family: FontFamily, names: &[&str]| {
        fonts.families.insert(family, names.iter().map(|&name| name.to_owned()).collect());
    };
    family(FontFamily::Proportional, &["inter", ICONS]);
    family(FontFamily::Monospace, &["inter", ICONS]);
    family(FontFamily::Name(MEDIUM.into()), &["inter-medium", ICONS]);
    family(FontFamily::Name(BOLD.into()), &["inter-bold", ICONS]);
    family(FontFamily::Name(ICONS.into()), &[ICONS, "inter"]);
    family(FontFamily::Name(ICONS_FILL.into()), &[ICONS_FILL, "inter"]);
    family(FontFamily::Name(ICONS_BOLD.into()), &[ICONS_BOLD, "inter"]);
    fonts
}

fn style(theme: &Theme) -> Style {
    let mut style = Style { visuals: visuals(theme), ..Style::default() };
    style.text_styles = [
        (egui::TextStyle::Small, regular(META)),
        (egui::TextStyle::Body, regular(BODY)),
        (egui::TextStyle::Button, medium(BODY)),
        (egui::TextStyle::Heading, bold(TITLE)),
        (egui::TextStyle::Monospace, regular(DENSE)),
    ]
    .into();
    style.animation_time = HOVER_SECS;
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
    style.spacing.item_spacing = vec2(8.0, 8.0);
    style.spacing.tooltip_width = 280.0;
    style.spacing.menu_margin = egui::Margin::same(4);
    style.spacing.scroll = ScrollStyle {
        floating: true,
        bar_width: 10.0,
        floating_width: 6.0,
        floating_allocated_width: 0.0,
        bar_outer_margin: 6.0,
        foreground_color: false,
        dormant_background_opacity: 0.0,
        active_background_opacity: 0.0,
        interact_background_opacity: 0.0,
        dormant_handle_opacity: 1.0,
        active_handle_opacity: 1.0,
        interact_handle_opacity: 1.0,
        fade: egui::style::ScrollFadeStyle { strength: 0.0, ..Default::default() },
        ..ScrollStyle::floating()
    };
    style
}

fn visuals(theme: &Theme) -> Visuals {
    let mut visuals = if theme.is_dark { Visuals::dark() } else { Visuals::light() };
    visuals.override_text_color = Some(theme.text_1);
    visuals.panel_fill = theme.bg;
    visuals.window_fill = theme.field;
    visuals.window_stroke = theme.strong_stroke();
    visuals.window_corner_radius = CornerRadius::same(R_FLOATING);
    visuals.menu_corner_radius = CornerRadius::same(R_FLOATING);
    visuals.popup_shadow = theme.floating;
    visuals.window_shadow = theme.lifted;
    visuals.extreme_bg_color = theme.field;
    visuals.faint_bg_color = theme.surface_1;
    visuals.hyperlink_color = theme.accent;
    visuals.warn_fg_color = theme.warn;
    visuals.error_fg_color = theme.bad;
    visuals.selection.bg_fill = theme.accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(STROKE, theme.text_1);
    visuals.text_cursor.stroke = Stroke::new(1.0, theme.accent);
    let widget = |fill: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::NONE,
        corner_radius: CornerRadius::same(R_CARD_BUTTON),
        fg_stroke: Stroke::new(STROKE, theme.text_1),
        expansion: 0.0,
    };
    visuals.widgets.noninteractive = widget(theme.bg);
    visuals.widgets.noninteractive.bg_stroke = theme.line_stroke();
    visuals.widgets.inactive = widget(theme.surface_3);
    visuals.widgets.hovered = widget(theme.surface_3);
    visuals.widgets.active = widget(theme.line_strong);
    visuals.widgets.open = widget(theme.surface_3);
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_of_the_wheel_is_what_browsers_show() {
        assert_eq!(hsl(0.0, 1.0, 0.5), hex(0xFF_0000));
        assert_eq!(hsl(120.0, 1.0, 0.25), hex(0x00_8000));
        assert_eq!(hsl(210.0, 0.5, 0.4), hex(0x33_6699));
    }
}
