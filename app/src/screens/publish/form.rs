//! What an organiser writes about a game.

use egui::{Align, Layout, Sense, Ui, vec2};

use super::{State, panel};
use crate::action::{Action, FileFor, FolderFor};
use crate::cover::{CoverKey, Covers};
use crate::icon::Icon;
use crate::model::PublishModel;
use crate::screens::library::picture;
use crate::text::{Format, PublishText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Field, MenuItem, label, menu_field, menu_popup};

const COVER_WIDTH: f32 = 176.0;
const GAP: f32 = 20.0;

pub(super) fn show(
    ui: &mut Ui,
    covers: &mut Covers,
    model: &PublishModel,
    state: &mut State,
    width: f32,
) -> Option<Action> {
    let mut action = None;
    panel(ui, width, |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing = vec2(GAP, 8.0);
            ui.vertical(|ui| {
                ui.set_width(COVER_WIDTH);
                action = cover(ui, covers, model, state);
            });
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
                let width = ui.available_width();
                action = action.take().or(source(ui, state, width));
                title_and_version(ui, model, state, width);
                program(ui, state, width);
                people(ui, state, width);
                keep(ui, state, width);
            });
        });
    });
    action
}

fn cover(ui: &mut Ui, covers: &mut Covers, model: &PublishModel, state: &State) -> Option<Action> {
    let (text, theme) = (PublishText::of(ui.ctx()), Theme::of(ui));
    name(ui, text.cover(), "", COVER_WIDTH);
    let (rect, _) = ui.allocate_exact_size(vec2(COVER_WIDTH, COVER_WIDTH * 4.0 / 3.0), Sense::hover());
    match state.form.id().or_else(|| model.known.as_ref().map(|known| known.id.clone())) {
        Some(game) => {
            // What the party has already, until another is chosen.
            let file = state.form.cover.clone().or_else(|| model.known_cover.clone());
            let key = CoverKey { game, file };
            picture(ui, covers, rect, &key, &state.form.title);
        }
        None => {
            ui.painter().rect_filled(rect, theme::R_BUTTON, theme.surface_2);
        }
    }
    ui.add_space(2.0);
    let choose =
        Button::new(text.choose_picture()).icon(Icon::IMAGE).size(ButtonSize::Row).width(COVER_WIDTH);
    let is_clicked = choose.show(ui).clicked();
    let hint = egui::RichText::new(text.picture_hint()).font(theme::regular(theme::META)).color(theme.text_3);
    ui.add(egui::Label::new(hint).wrap());
    is_clicked.then_some(Action::ChooseFiles(FileFor::Cover))
}

/// A field's name at the left, what is to be said about it at the right.
fn name(ui: &mut Ui, name: &str, hint: &str, width: f32) {
    let theme = Theme::of(ui);
    ui.allocate_ui_with_layout(vec2(width, 18.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_width(width);
        label(ui, name, theme::medium(theme::DENSE), theme.text_1);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            label(ui, hint, theme::regular(theme::META), theme.text_3);
        });
    });
}

fn source(ui: &mut Ui, state: &mut State, width: f32) -> Option<Action> {
    let (text, format) = (PublishText::of(ui.ctx()), Format::of(ui.ctx()));
    let hint = state
        .form
        .amount()
        .map(|(files, bytes)| text.files(files, &format.count(files), &format.size(bytes)));
    name(ui, text.folder(), hint.as_deref().unwrap_or_default(), width);
    let mut action = None;
    ui.horizontal(|ui| {
        let choose = Button::new(text.choose()).trailing(Icon::CARET_DOWN);
        let field = Field::new(&mut state.path, text.folder()).icon(Icon::FOLDER).limit(4096);
        let field = field.placeholder(text.drop_hint()).width(width - choose.natural_width(ui) - 8.0);
        if field.show(ui).lost_focus() {
            state.take_typed();
        }
        let response = choose.show(ui);
        menu_popup(&response, 180.0, |ui| {
            if MenuItem::new(Icon::FOLDER_OPEN, text.a_folder()).show(ui) {
                action = Some(Action::ChooseFolder(FolderFor::Publish));
            }
            if MenuItem::new(Icon::FILE_ZIP, text.archives()).show(ui) {
                action = Some(Action::ChooseFiles(FileFor::Archives));
            }
        });
    });
    ui.add_space(6.0);
    action
}

fn title_and_version(ui: &mut Ui, model: &PublishModel, state: &mut State, width: f32) {
    let text = PublishText::of(ui.ctx());
    let version_width = (width * 0.376).round();
    let title_width = width - version_width - 12.0;
    let form = &mut state.form;
    let id = form.id().map(|id| text.id(id.as_str()));
    let was = model.known.as_ref().and_then(|known| known.version.as_ref());
    let was = was.map(|version| text.was(&version.to_string()));
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        ui.vertical(|ui| {
            name(ui, text.game_title(), id.as_deref().unwrap_or_default(), title_width);
            Field::new(&mut form.title, text.game_title()).width(title_width).limit(120).show(ui);
        });
        ui.vertical(|ui| {
            name(ui, text.version(), was.as_deref().unwrap_or_default(), version_width);
            Field::new(&mut form.version, text.version()).width(version_width).limit(64).show(ui);
        });
    });
    ui.add_space(6.0);
}

fn program(ui: &mut Ui, state: &mut State, width: f32) {
    let text = PublishText::of(ui.ctx());
    if state.form.is_archives() {
        name(ui, text.start_program(), text.program_in_archive(), width);
        let field = Field::new(&mut state.form.program, text.start_program()).icon(Icon::PLAY);
        field.placeholder("game.exe").width(width).limit(1024).show(ui);
        ui.add_space(6.0);
        return;
    }
    let programs: Vec<String> = state.form.programs().iter().map(|file| file.name.clone()).collect();
    let hint = if programs.is_empty() { String::new() } else { text.found(programs.len()) };
    name(ui, text.start_program(), &hint, width);
    let shown = if state.form.program.is_empty() { text.no_program() } else { &state.form.program };
    let field = menu_field(ui, text.start_program(), shown, width);
    menu_popup(&field, width, |ui| {
        egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for program in &programs {
                let item = MenuItem::new(Icon::PLAY, program).chosen(*program == state.form.program);
                if item.show(ui) {
                    state.form.program.clone_from(program);
                }
            }
        });
    });
    ui.add_space(6.0);
}

fn people(ui: &mut Ui, state: &mut State, width: f32) {
    let (text, theme) = (PublishText::of(ui.ctx()), Theme::of(ui));
    let form = &mut state.form;
    let (number, year) = (64.0, (width * 0.232).round());
    let genre = width - 157.0 - year - 36.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.vertical(|ui| {
            name(ui, text.players(), "", 157.0);
            ui.horizontal(|ui| {
                Field::new(&mut form.players_from, text.players_from()).width(number).limit(5).show(ui);
                ui.add_space(7.0);
                let (rect, _) = ui.allocate_exact_size(vec2(15.0, 36.0), Sense::hover());
                let at = egui::Align2::CENTER_CENTER;
                ui.painter().text(rect.center(), at, text.to(), theme::regular(theme::BODY), theme.text_3);
                ui.add_space(7.0);
                Field::new(&mut form.players_to, text.players_to()).width(number).limit(5).show(ui);
            });
        });
        ui.add_space(24.0);
        ui.vertical(|ui| {
            name(ui, text.genre(), "", genre);
            Field::new(&mut form.genre, text.genre()).width(genre).limit(60).show(ui);
        });
        ui.add_space(12.0);
        ui.vertical(|ui| {
            name(ui, text.year(), "", year);
            Field::new(&mut form.year, text.year()).width(year).limit(4).show(ui);
        });
    });
    ui.add_space(6.0);
}

fn keep(ui: &mut Ui, state: &mut State, width: f32) {
    let text = PublishText::of(ui.ctx());
    name(ui, text.keep(), text.keep_hint(), width);
    let mut gone = None;
    ui.horizontal_wrapped(|ui| {
        ui.set_max_width(width);
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (index, rule) in state.form.keep.iter().enumerate() {
            let said = text.keep_remove(rule);
            let chip =
                Button::new(rule).trailing(Icon::X).size(ButtonSize::Small).kind(ButtonKind::Secondary);
            if chip.name(&said).show(ui).clicked() {
                gone = Some(index);
            }
        }
        let left = ui.available_size_before_wrap().x;
        let field = Field::new(&mut state.keep, text.keep_add()).placeholder(text.keep_add());
        let response = field.width(if left < 180.0 { width } else { left }).limit(200).show(ui);
        let rule = state.keep.trim();
        if response.lost_focus() && !rule.is_empty() {
            if !state.form.keep.iter().any(|kept| kept == rule) {
                state.form.keep.push(rule.to_owned());
            }
            state.keep.clear();
        }
    });
    if let Some(index) = gone {
        state.form.keep.remove(index);
    }
}
