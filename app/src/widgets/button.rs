//! Buttons. One solid accent button a view is the next best step; disabled ones say why.

use egui::{
    Color32, CornerRadius, CursorIcon, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, vec2,
};

use super::paint::{draw_icon, focus_ring, spinner};
use super::tooltip;
use crate::icon::Icon;
use crate::theme::{self, Theme};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    Primary,
    #[default]
    Secondary,
    Ghost,
    Danger,
    /// A large secondary one that stands where a primary one stood: *Pause*.
    Raised,
    /// On what floats: toasts.
    Floating,
    /// A card's action: accent on its tint.
    TintGood,
    TintArriving,
    TintBad,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonSize {
    /// 28 high.
    Small,
    /// 30 high, a card's.
    Card,
    /// 32 high, in rows.
    Row,
    /// 36 high.
    #[default]
    Normal,
    /// 48 high.
    Large,
}

impl ButtonSize {
    pub const fn height(self) -> f32 {
        match self {
            Self::Small => 28.0,
            Self::Card => 30.0,
            Self::Row => 32.0,
            Self::Normal => 36.0,
            Self::Large => 48.0,
        }
    }

    const fn padding(self) -> f32 {
        match self {
            Self::Small | Self::Card => 10.0,
            Self::Row => 12.0,
            Self::Normal => 14.0,
            Self::Large => 28.0,
        }
    }

    const fn text(self) -> f32 {
        match self {
            Self::Small => theme::META,
            Self::Card | Self::Row => theme::DENSE,
            Self::Normal => theme::BODY,
            Self::Large => theme::SECTION,
        }
    }

    const fn icon(self) -> f32 {
        match self {
            Self::Small => 14.0,
            Self::Large => 20.0,
            Self::Card | Self::Row | Self::Normal => theme::ICON,
        }
    }

    const fn radius(self) -> u8 {
        match self {
            Self::Card => theme::R_CARD_BUTTON,
            Self::Small | Self::Row | Self::Normal => theme::R_BUTTON,
            Self::Large => theme::R_FLOATING,
        }
    }
}

/// A button, made step by step.
#[derive(Clone, Debug)]
#[must_use]
pub struct Button<'a> {
    label: &'a str,
    /// Said after the label in regular type: the amount of a download.
    amount: Option<&'a str>,
    icon: Option<Icon>,
    icon_color: Option<Color32>,
    trailing: Option<Icon>,
    kind: ButtonKind,
    size: ButtonSize,
    width: Option<f32>,
    is_busy: bool,
    disabled: Option<&'a str>,
    name: Option<&'a str>,
}

impl<'a> Button<'a> {
    pub const fn new(label: &'a str) -> Self {
        Self {
            label,
            amount: None,
            icon: None,
            icon_color: None,
            trailing: None,
            kind: ButtonKind::Secondary,
            size: ButtonSize::Normal,
            width: None,
            is_busy: false,
            disabled: None,
            name: None,
        }
    }

    pub const fn primary(label: &'a str) -> Self {
        Self::new(label).kind(ButtonKind::Primary)
    }

    pub const fn kind(mut self, kind: ButtonKind) -> Self {
        self.kind = kind;
        self
    }

    pub const fn size(mut self, size: ButtonSize) -> Self {
        self.size = size;
        self
    }

    pub const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    pub const fn icon_color(mut self, color: Color32) -> Self {
        self.icon_color = Some(color);
        self
    }

    pub const fn trailing(mut self, icon: Icon) -> Self {
        self.trailing = Some(icon);
        self
    }

    pub const fn amount(mut self, amount: &'a str) -> Self {
        self.amount = Some(amount);
        self
    }

    pub const fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// A spinner takes the icon's place; the width stays.
    pub const fn busy(mut self, is_busy: bool) -> Self {
        self.is_busy = is_busy;
        self
    }

    /// Off, for this reason; the tooltip says it.
    pub const fn disabled(mut self, why: Option<&'a str>) -> Self {
        self.disabled = why;
        self
    }

    /// What screen readers say, where the label does not stand for itself.
    pub const fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        let width = self.width.unwrap_or_else(|| self.natural_width(ui));
        let (rect, response) = ui.allocate_exact_size(vec2(width, self.size.height()), Sense::click());
        self.finish(ui, rect, response)
    }

    /// At a place of its own, outside the layout's flow and the Tab order: what it is part of has the focus.
    pub fn show_at(self, ui: &mut Ui, rect: Rect, id: egui::Id) -> Response {
        let response = ui.interact(rect, id, Sense::CLICK);
        self.finish(ui, rect, response)
    }

    pub fn natural_width(&self, ui: &Ui) -> f32 {
        let text = super::text_width(ui.painter(), self.label, self.label_font());
        let amount = self.amount.map_or(0.0, |amount| {
            super::text_width(ui.painter(), amount, theme::regular(self.size.text())) + 4.0
        });
        let icon = self.icon.map_or(0.0, |_| self.size.icon() + self.gap());
        let trailing = self.trailing.map_or(0.0, |_| self.size.icon() + self.gap());
        (text + amount + icon + trailing + 2.0 * self.size.padding()).ceil()
    }

    const fn gap(&self) -> f32 {
        if self.label.is_empty() {
            0.0
        } else if matches!(self.size, ButtonSize::Small) {
            6.0
        } else {
            8.0
        }
    }

    fn label_font(&self) -> FontId {
        match self.kind {
            ButtonKind::Primary | ButtonKind::Danger => theme::bold(self.size.text()),
            ButtonKind::Raised => theme::bold(self.size.text()),
            ButtonKind::Secondary
            | ButtonKind::Floating
            | ButtonKind::Ghost
            | ButtonKind::TintGood
            | ButtonKind::TintArriving
            | ButtonKind::TintBad => theme::medium(self.size.text()),
        }
    }

    fn finish(self, ui: &Ui, rect: Rect, response: Response) -> Response {
        let is_on = self.disabled.is_none() && !self.is_busy;
        let name = self.name.map_or_else(
            || self.amount.map_or_else(|| self.label.to_owned(), |amount| format!("{} {amount}", self.label)),
            str::to_owned,
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Button, is_on, &name));
        if ui.is_rect_visible(rect) {
            self.paint(ui, rect, &response, is_on);
            focus_ring(ui, &response, rect, self.size.radius());
        }
        let response = if is_on { response.on_hover_cursor(CursorIcon::PointingHand) } else { response };
        match self.disabled {
            Some(why) if !why.is_empty() => silent(tooltip(response, why)),
            Some(_) => silent(response),
            None if self.is_busy => silent(response),
            None => response,
        }
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response, is_on: bool) {
        let theme = Theme::of(ui);
        let hover = if is_on {
            ui.ctx().animate_bool_with_time(response.id.with("hover"), response.hovered(), theme::HOVER_SECS)
        } else {
            0.0
        };
        let look = self.look(theme, hover, is_on && response.is_pointer_button_down_on(), is_on);
        ui.painter().rect(
            rect,
            CornerRadius::same(self.size.radius()),
            look.fill,
            look.line,
            StrokeKind::Inside,
        );
        self.paint_words(ui, rect, &look);
    }

    fn paint_words(&self, ui: &Ui, rect: Rect, look: &Look) {
        let painter = ui.painter();
        let label = painter.layout_no_wrap(self.label.to_owned(), self.label_font(), look.text);
        let amount = self.amount.map(|amount| {
            painter.layout_no_wrap(amount.to_owned(), theme::regular(self.size.text()), look.amount)
        });
        let icon = self.icon.map_or(0.0, |_| self.size.icon() + self.gap());
        let trailing = self.trailing.map_or(0.0, |_| self.size.icon() + self.gap());
        let words = label.size().x + amount.as_ref().map_or(0.0, |amount| amount.size().x + 4.0);
        let mut x = rect.center().x - (icon + words + trailing) / 2.0;
        let y = rect.center().y;
        if let Some(sign) = self.icon {
            let center = egui::pos2(x + self.size.icon() / 2.0, y);
            if self.is_busy {
                spinner(ui, center, self.size.icon(), look.text);
            } else {
                draw_icon(painter, center, sign, self.size.icon(), self.icon_color.unwrap_or(look.icon));
            }
            x += icon;
        }
        let height = label.size().y;
        painter.galley(egui::pos2(x, y - height / 2.0), label.clone(), look.text);
        x += label.size().x;
        if let Some(amount) = amount {
            painter.galley(egui::pos2(x + 4.0, y - amount.size().y / 2.0), amount.clone(), look.amount);
            x += 4.0 + amount.size().x;
        }
        if let Some(sign) = self.trailing {
            let center = egui::pos2(x + self.gap() + self.size.icon() / 2.0, y);
            draw_icon(painter, center, sign, self.size.icon(), look.text);
        }
    }

    fn look(&self, theme: &Theme, hover: f32, is_pressed: bool, is_on: bool) -> Look {
        if !is_on && !self.is_busy {
            let (fill, line) = if self.kind == ButtonKind::Ghost {
                (Color32::TRANSPARENT, Stroke::NONE)
            } else {
                (theme.surface_1, theme.line_stroke())
            };
            return Look::plain(fill, line, theme.text_3);
        }
        let mix = |from: Color32, to: Color32| from.lerp_to_gamma(to, hover);
        match self.kind {
            ButtonKind::Primary => {
                let fill =
                    if is_pressed { theme.accent_pressed } else { mix(theme.accent, theme.accent_hover) };
                Look::plain(fill, Stroke::NONE, theme.on_accent)
            }
            ButtonKind::Danger => {
                Look::plain(mix(theme.danger, theme.danger_hover), Stroke::NONE, theme.on_danger)
            }
            ButtonKind::Secondary => {
                let fill = if is_pressed { theme.line_strong } else { mix(theme.surface_2, theme.surface_3) };
                let line = Stroke::new(theme::STROKE, mix(theme.line, theme.line_strong));
                let amount = theme.text_2;
                Look { fill, line, text: theme.text_1, icon: theme.text_1, amount }
            }
            ButtonKind::Raised => {
                let fill = if is_pressed { theme.line } else { mix(theme.surface_3, theme.line_strong) };
                Look::plain(fill, theme.strong_stroke(), theme.text_1)
            }
            ButtonKind::Floating => {
                let fill = if is_pressed { theme.line } else { mix(theme.surface_3, theme.line_strong) };
                Look::plain(fill, Stroke::NONE, theme.text_1)
            }
            ButtonKind::Ghost => {
                let fill = theme.surface_2.gamma_multiply(hover);
                Look::plain(fill, Stroke::NONE, mix(theme.text_2, theme.text_1))
            }
            ButtonKind::TintGood => tinted(theme, hover, theme.accent_tint, theme.accent),
            ButtonKind::TintArriving => tinted(theme, hover, theme.arriving_tint, theme.arriving),
            ButtonKind::TintBad => {
                let line = Stroke::new(theme::STROKE, theme.bad);
                Look::plain(mix(theme.bad_tint, theme.surface_2), line, theme.bad)
            }
        }
    }
}

/// A tinted action turns into the solid accent under the pointer.
fn tinted(theme: &Theme, hover: f32, tint: Color32, color: Color32) -> Look {
    let text = color.lerp_to_gamma(theme.on_accent, hover);
    Look::plain(tint.lerp_to_gamma(theme.accent, hover), Stroke::NONE, text)
}

struct Look {
    fill: Color32,
    line: Stroke,
    text: Color32,
    icon: Color32,
    amount: Color32,
}

impl Look {
    const fn plain(fill: Color32, line: Stroke, text: Color32) -> Self {
        Self { fill, line, text, icon: text, amount: text }
    }
}

/// A square button that shows an icon only; its name is the tooltip.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str, kind: ButtonKind, size: ButtonSize) -> Response {
    let side = size.height();
    let response = Button::new("").icon(icon).kind(kind).size(size).width(side).name(name).show(ui);
    tooltip(response, name)
}

/// What is disabled answers no click, yet can be hovered for its reason.
fn silent(mut response: Response) -> Response {
    response.flags.remove(
        egui::response::Flags::CLICKED
            | egui::response::Flags::FAKE_PRIMARY_CLICKED
            | egui::response::Flags::LONG_TOUCHED,
    );
    response
}
