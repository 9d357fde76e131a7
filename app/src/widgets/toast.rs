//! A toast: 400 wide, as high as its words, with at most one button.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, Galley, Rect, Role, Sense, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::button::{Button, ButtonKind, ButtonSize, icon_button};
use super::paint::{Meaning, draw_icon, elided_rows};
use crate::icon::Icon;
use crate::theme::{self, Theme};

pub const TOAST_WIDTH: f32 = 400.0;
/// With one line of each.
const HEIGHT: f32 = 64.0;
const WORDS_LEFT: f32 = 47.0;
const WORDS_TOP: f32 = 13.0;
const BETWEEN: f32 = 4.0;
/// Longer words are cut: the report has them whole.
const TITLE_ROWS: usize = 3;
const LINE_ROWS: usize = 4;

/// What a person did with a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastAnswer {
    Clicked,
    Dismissed,
}

/// What a toast shows.
#[derive(Clone, Copy, Debug)]
pub struct ToastLook<'a> {
    pub meaning: Meaning,
    pub icon: Icon,
    pub title: &'a str,
    pub line: &'a str,
    pub button: Option<(&'a str, Option<Icon>)>,
    pub dismiss: &'a str,
    /// How much of its time is left; `None` stays.
    pub time_left: Option<f32>,
}

impl ToastLook<'_> {
    fn button(&self) -> Option<Button<'_>> {
        let (label, icon) = self.button?;
        let button = Button::new(label).kind(ButtonKind::Floating).size(ButtonSize::Row);
        Some(match icon {
            Some(icon) => button.icon(icon),
            None => button,
        })
    }
}

/// A toast's words in lines.
#[derive(Clone, Debug)]
pub struct ToastWords {
    title: Arc<Galley>,
    line: Option<Arc<Galley>>,
}

impl ToastWords {
    pub fn new(ui: &Ui, look: &ToastLook<'_>) -> Self {
        let theme = Theme::of(ui);
        let button = look.button().map_or(0.0, |button| button.natural_width(ui) + 8.0);
        let width = TOAST_WIDTH - WORDS_LEFT - button - ButtonSize::Row.height() - 26.0;
        let rows = |text: &str, font, color, rows| elided_rows(ui.painter(), text, font, color, width, rows);
        let line = Some(look.line).filter(|line| !line.is_empty());
        Self {
            title: rows(look.title, theme::medium(theme::BODY), theme.text_1, TITLE_ROWS),
            line: line.map(|line| rows(line, theme::regular(theme::DENSE), theme.text_2, LINE_ROWS)),
        }
    }

    /// The toast's.
    pub fn height(&self) -> f32 {
        (self.words() + 2.0 * WORDS_TOP).max(HEIGHT)
    }

    fn words(&self) -> f32 {
        self.title.size().y + self.line.as_ref().map_or(0.0, |line| line.size().y + BETWEEN)
    }
}

/// Draws a toast into `rect`, as high as its words say.
pub fn toast(ui: &mut Ui, rect: Rect, look: &ToastLook<'_>, words: ToastWords) -> Option<ToastAnswer> {
    let theme = Theme::of(ui);
    let response = ui.interact(rect, ui.scope_id().with("toast"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, format!("{}. {}", look.title, look.line)));
    let radius = CornerRadius::same(theme::R_FLOATING);
    ui.painter().add(theme.floating.as_shape(rect, radius));
    ui.painter().rect(rect, radius, theme.field, theme.strong_stroke(), StrokeKind::Inside);
    let top = rect.center().y - words.words() / 2.0;
    let sign = pos2(rect.left() + 25.0, top + 10.0);
    draw_icon(ui.painter(), sign, look.icon, theme::ICON_LIST, look.meaning.color(theme));
    let answer = buttons(ui, rect, look);
    let below = top + words.title.size().y + BETWEEN;
    ui.painter().galley(pos2(rect.left() + WORDS_LEFT, top), words.title, Color32::PLACEHOLDER);
    if let Some(line) = words.line {
        ui.painter().galley(pos2(rect.left() + WORDS_LEFT, below), line, Color32::PLACEHOLDER);
    }
    if let Some(share) = look.time_left {
        let bar = Rect::from_min_max(
            pos2(rect.left() + 6.0, rect.bottom() - 2.0),
            pos2(rect.left() + 6.0 + (rect.width() - 12.0) * share, rect.bottom() - 0.5),
        );
        ui.painter().rect_filled(bar, CornerRadius::same(1), theme.line_strong);
    }
    answer
}

fn buttons(ui: &mut Ui, rect: Rect, look: &ToastLook<'_>) -> Option<ToastAnswer> {
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let inner = rect.shrink2(vec2(10.0, 0.0));
    let mut place = ui.new_child(UiBuilder::new().max_rect(inner).layout(layout));
    let dismissed = icon_button(&mut place, Icon::X, look.dismiss, ButtonKind::Ghost, ButtonSize::Row);
    let accent = Theme::of(ui).accent;
    if look.button().is_some_and(|button| button.icon_color(accent).show(&mut place).clicked()) {
        return Some(ToastAnswer::Clicked);
    }
    dismissed.clicked().then_some(ToastAnswer::Dismissed)
}
