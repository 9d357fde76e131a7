//! What was published tonight: how far it is, and who has it.

use egui::{Color32, CornerRadius, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::action::Action;
use crate::cover::{CoverKey, Covers};
use crate::icon::Icon;
use crate::model::{PublishModel, PublishStep, PublishedRow};
use crate::screens::library::picture;
use crate::text::{Common, DownloadsText, Format, PeerText, PublishText};
use crate::theme::{self, Theme};
use crate::widgets::{
    Bar, Button, ButtonSize, draw_icon, elided, label, progress_at, row_background, row_line, spinner,
};

const ROW: f32 = 60.0;
/// PCs that have a block of their own; more are counted in the words only.
const MAX_BLOCKS: usize = 64;

pub(super) fn show(ui: &mut Ui, covers: &mut Covers, model: &PublishModel, width: f32) -> Option<Action> {
    let (text, theme) = (PublishText::of(ui.ctx()), Theme::of(ui));
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        label(ui, text.published_tonight(), theme::bold(theme::SECTION), theme.text_1);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            label(ui, text.only_you(), theme::regular(theme::META), theme.text_3);
        });
    });
    let rows = model.published.iter().fold(0.0, |height, _| height + ROW);
    let (rect, _) = ui.allocate_exact_size(vec2(width, rows), Sense::hover());
    let radius = CornerRadius::same(theme::R_PANEL);
    ui.painter().rect(rect, radius, theme.surface_1, theme.line_stroke(), StrokeKind::Inside);
    let mut action = None;
    for (index, published) in model.published.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let top = rect.top() + index as f32 * ROW;
        let place = Rect::from_min_size(pos2(rect.left(), top), vec2(width, ROW));
        if ui.is_rect_visible(place) {
            action = action.or(row(ui, covers, place, published, model.pcs));
        }
        if index + 1 < model.published.len() {
            row_line(ui, place);
        }
    }
    action
}

fn row(ui: &mut Ui, covers: &mut Covers, rect: Rect, published: &PublishedRow, pcs: usize) -> Option<Action> {
    let theme = Theme::of(ui);
    let (words, color, icon) = said(ui, published, pcs);
    let response = ui.interact(rect, ui.scope_id().with(("published", &published.id)), Sense::hover());
    let name = PublishText::of(ui.ctx()).row(&published.title, &words);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &name));
    row_background(ui, &response, rect.shrink(1.0), 0);
    let y = rect.center().y;
    let cover = Rect::from_center_size(pos2(rect.left() + 33.0, y), vec2(33.0, 44.0));
    let key = CoverKey { game: published.id.clone(), file: published.cover.clone() };
    picture(ui, covers, cover, &key, &published.title);
    let status = rect.left() + (rect.width() * 0.24).round();
    let blocks = rect.left() + (rect.width() * 0.545).round();
    let left = rect.left() + 66.0;
    let line = |y: f32, words: &str, font, color: Color32| {
        let words = elided(ui.painter(), words, font, color, status - left - 12.0);
        ui.painter().galley(pos2(left, y - words.size().y / 2.0), words, color);
    };
    line(y - 9.0, &published.title, theme::medium(theme::BODY), theme.text_1);
    let when = format!("{}, {}", published.version, ago(ui, published.secs_ago));
    line(y + 11.0, &when, theme::regular(theme::META), theme.text_2);
    match icon {
        Some(icon) => drop(draw_icon(ui.painter(), pos2(status + 8.0, y), icon, 18.0, color)),
        None => spinner(ui, pos2(status + 8.0, y), theme::ICON, theme.arriving),
    }
    let is_failed = matches!(published.step, PublishStep::Failed(_));
    let end = if is_failed { rect.right() - 230.0 } else { blocks - 12.0 };
    let words = elided(ui.painter(), &words, theme::regular(theme::DENSE), theme.text_1, end - status - 25.0);
    ui.painter().galley(pos2(status + 25.0, y - words.size().y / 2.0), words, theme.text_1);
    let strip = Rect::from_min_max(pos2(blocks, y - 7.0), pos2(rect.right() - 100.0, y + 7.0));
    match &published.step {
        PublishStep::Published => {
            draw_blocks(ui, strip, published.have, pcs);
            None
        }
        PublishStep::Failed(error) => failed(ui, rect, published, &error.message),
        PublishStep::Preparing { .. } | PublishStep::Signing => {
            let bar = share(&published.step).map_or(Bar::Endless, Bar::Arriving);
            let place = Rect::from_center_size(strip.center(), vec2(strip.width(), 6.0));
            progress_at(ui, place, response.id, bar);
            None
        }
    }
}

fn failed(ui: &mut Ui, rect: Rect, published: &PublishedRow, why: &str) -> Option<Action> {
    let common = Common::of(ui.ctx());
    let said = PublishText::of(ui.ctx()).retry_game(&published.title);
    let place = Rect::from_min_max(pos2(rect.right() - 220.0, rect.top()), rect.max - vec2(12.0, 0.0));
    crate::frame::within(ui, place, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let retry = Button::primary(common.retry()).size(ButtonSize::Row).name(&said).show(ui);
        let copy = Button::new(common.copy_report()).size(ButtonSize::Row).show(ui);
        if copy.clicked() {
            return Some(Action::Copy(format!("{} {}: {why}", published.id, published.version)));
        }
        retry.clicked().then(|| Action::PublishAgain(published.id.clone()))
    })
}

fn said(ui: &Ui, published: &PublishedRow, pcs: usize) -> (String, Color32, Option<Icon>) {
    let (text, format, theme) = (PublishText::of(ui.ctx()), Format::of(ui.ctx()), Theme::of(ui));
    match &published.step {
        PublishStep::Preparing { bytes_total: 0, .. } => (text.preparing().to_owned(), theme.arriving, None),
        PublishStep::Preparing { bytes_total, .. } => {
            let percent = format.percent(share(&published.step).unwrap_or(0.0));
            (text.preparing_at(&percent, &format.size(*bytes_total)), theme.arriving, None)
        }
        PublishStep::Signing => (text.signing().to_owned(), theme.arriving, None),
        PublishStep::Published => {
            (text.have_it(published.have, pcs), theme.accent, Some(Icon::CHECK_CIRCLE.fill()))
        }
        PublishStep::Failed(error) => {
            let why = PeerText(text.0).error(error);
            (text.failed(&why), theme.bad, Some(Icon::WARNING_CIRCLE.fill()))
        }
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
fn share(step: &PublishStep) -> Option<f32> {
    match step {
        PublishStep::Preparing { bytes_done, bytes_total } if *bytes_total > 0 => {
            Some((*bytes_done as f64 / *bytes_total as f64) as f32)
        }
        PublishStep::Preparing { .. } | PublishStep::Signing => None,
        PublishStep::Published | PublishStep::Failed(_) => Some(1.0),
    }
}

fn ago(ui: &Ui, secs: u64) -> String {
    let text = DownloadsText::of(ui.ctx());
    if secs < 60 { text.just_now().to_owned() } else { text.ago(&Format::of(ui.ctx()).span(secs)) }
}

/// One for each PC: tall ones have it.
fn draw_blocks(ui: &Ui, strip: Rect, have: usize, pcs: usize) {
    let theme = Theme::of(ui);
    let count = pcs.clamp(1, MAX_BLOCKS);
    #[expect(clippy::cast_precision_loss, reason = "a few PCs")]
    let step = (strip.width() / count as f32).min(23.4);
    for index in 0..count {
        let (height, color) = if index < have { (14.0, theme.accent) } else { (6.0, theme.line_strong) };
        #[expect(clippy::cast_precision_loss, reason = "a few PCs")]
        let left = strip.left() + index as f32 * step;
        let size = vec2((step - 4.4).max(1.0), height);
        let block = Rect::from_min_size(pos2(left, strip.center().y - height / 2.0), size);
        ui.painter().rect_filled(block, CornerRadius::same(2), color);
    }
}
