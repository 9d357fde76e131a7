//! One row of `games`: text of any kind becomes what a catalog can hold.

use std::collections::BTreeMap;

use lanspread_protocol::limits::{MAX_NAME_BYTES, MAX_TEXT_BYTES};
use lanspread_protocol::{Game, GameId, Players, Version};

/// `game_size` counts these.
const BYTES_PER_GB: f64 = 1e9;
/// No game has more; what says so is a mistake.
const MAX_GB: f64 = 10_000.0;

/// The game of a row whose columns are those of `database::COLUMNS`, or why there is none. Less important mistakes
/// are warnings.
pub(super) fn game(
    row: &[Option<String>],
    genres: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Result<Game, String> {
    let [id, title, version, release, publisher, size, players, genre, readmes @ ..] = row else {
        return Err("a row is too short".to_owned());
    };
    let id: GameId = match id {
        Some(id) => id.parse().map_err(|error| format!("left out: {error}"))?,
        None => return Err("left out: a row without an id".to_owned()),
    };
    let title = title.as_deref().map(one_line).filter(|title| !title.is_empty());
    let title = title.ok_or_else(|| format!("{id}: left out, it has no title"))?;
    if title.len() > MAX_NAME_BYTES {
        return Err(format!("{id}: left out, its title is longer than {MAX_NAME_BYTES} bytes"));
    }
    let mut game = Game::new(id, title);
    if let Some(version) = version {
        match version.parse::<Version>() {
            Ok(version) => game.version = Some(version),
            Err(error) => warnings.push(format!("{}: imported without a version: {error}", game.id)),
        }
    }
    game.year = release.as_deref().and_then(year);
    game.publisher = publisher.as_deref().map(one_line).map(|text| cut(&text, MAX_NAME_BYTES));
    game.size = size.as_deref().and_then(bytes);
    game.players = players.as_deref().and_then(player_count);
    let name = genre.as_ref().and_then(|genre| genres.get(genre));
    game.genre = name.map(|name| cut(&one_line(name), MAX_NAME_BYTES));
    let languages = ["de", "en", "fr"];
    let most = MAX_TEXT_BYTES / languages.len();
    let texts = languages.into_iter().zip(readmes).filter_map(|(language, text)| {
        text.as_deref().map(|text| (language.to_owned(), cut(&readable(text), most)))
    });
    game.description = texts.filter(|(_, text)| !text.is_empty()).collect();
    Ok(game)
}

/// The first four digits in a row that can be the year of a game.
fn year(text: &str) -> Option<u16> {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    let mut years = numbers.filter(|digits| digits.len() == 4).filter_map(|digits| digits.parse().ok());
    years.find(|year| (1950..=2100).contains(year))
}

fn bytes(text: &str) -> Option<u64> {
    let gigabytes: f64 = text.replace(',', ".").parse().ok()?;
    let is_size = gigabytes > 0.0 && gigabytes <= MAX_GB;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10^13")]
    is_size.then_some((gigabytes * BYTES_PER_GB).round() as u64)
}

/// `16`, `2-8`, `2 (+ 6 CPU)`: the computer's players are not counted.
fn player_count(text: &str) -> Option<Players> {
    let people = text.split(['(', '+']).next()?;
    let mut numbers = people
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse::<u16>().ok().filter(|number| *number > 0));
    let first = numbers.next()??;
    match numbers.next() {
        None => Some(Players { from: 1, to: first }),
        Some(second) => {
            let second = second?;
            (first <= second).then_some(Players { from: first, to: second })
        }
    }
}

/// Without line breaks and other control characters.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Lines stay lines, other control characters go.
fn readable(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    kept.trim().to_owned()
}

fn cut(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_counted_and_computers_are_not() {
        let count = |text| player_count(text).map(|players| (players.from, players.to));
        assert_eq!(count("16"), Some((1, 16)));
        assert_eq!(count("2 (+ 6 CPU)"), Some((1, 2)));
        assert_eq!(count("2+6"), Some((1, 2)));
        assert_eq!(count("2 - 8 players"), Some((2, 8)));
        assert_eq!(
            (count("many"), count("0"), count("99999"), count("8-2"), count("")),
            (None, None, None, None, None)
        );
    }

    #[test]
    fn years_and_sizes_are_found_or_left_out() {
        assert_eq!(
            (year("2004"), year("16.11.2004"), year("2004-11-16")),
            (Some(2004), Some(2004), Some(2004))
        );
        assert_eq!((year("soon"), year("20041116"), year("1234")), (None, None, None));
        assert_eq!(
            (bytes("4.5"), bytes("4,5"), bytes("150")),
            (Some(4_500_000_000), Some(4_500_000_000), Some(150_000_000_000))
        );
        assert_eq!(
            (bytes("0"), bytes("-1"), bytes("inf"), bytes("NaN"), bytes("1e30")),
            (None, None, None, None, None)
        );
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "ä");
        assert_eq!(one_line(" a\r\n\tb\0c "), "a b c");
        assert_eq!(readable("\u{7}a\r\nb\rc "), "a\nb\nc");
    }
}
